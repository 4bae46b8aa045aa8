import { describe, it } from "vitest";
import { expectNoBrokenPromise } from "../simulation/disasters.js";

/** The first of those that `npm run test:simulation` plays by the ten thousand. */
describe("a thousand disasters", () => {
  it("break no promise", async () => expectNoBrokenPromise(0, 1_000));
});
