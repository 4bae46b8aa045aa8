import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mutants } from "./mutants.js";
import { bundleWith, play } from "./plant.js";
import { volume } from "../support/volume.js";

/** What planted bugs are looked for in: that it breaks nothing by itself is what the disasters show, and here only of the bundle. */
const seeds = volume({ all: 300, inCi: 80 });
const weathers = new Map(mutants.flatMap(({ kinds }) => (kinds === undefined ? [] : [[kinds.join(", "), kinds]])));
const folder = mkdtempSync(join(tmpdir(), "stampede-sound-"));
const bundle = join(folder, "sound.mjs");
beforeAll(() => bundleWith([], bundle));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the simulator finds nothing where no bug is planted", () => {
  it("in all weathers", async () => {
    expect(await play(bundle, { from: 0, seeds })).toMatchObject({ seeds, failed: null });
  });

  it.each([...weathers])("in that of %s", async (_, kinds) => {
    expect(await play(bundle, { from: 0, seeds, kinds })).toMatchObject({ seeds, failed: null });
  });
});
