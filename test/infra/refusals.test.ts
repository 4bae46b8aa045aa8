import { describe, expect, it } from "vitest";
import { synthesise } from "./synth/synth.js";

/** What is refused before anything is deployed, with the words that whoever deploys reads. */
describe("a deployment is refused", () => {
  it("with a setting that means nothing", async () => {
    await expect(synthesise("refused", { STAMPEDE_BATCH: "sometimes" })).rejects.toMatchObject({
      stderr:
        'Expected STAMPEDE_BATCH to be one of off, spot, on-demand, both, found "sometimes". Nothing is deployed.\n',
    });
  });
});
