import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { mutants } from "./mutants.js";
import { bundleWith, play } from "./plant.js";

/** A bug that takes more is not found well enough. */
const most = 3_000;
const folder = mkdtempSync(join(tmpdir(), "stampede-mutants-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe(`the simulator finds every planted bug within ${most} seeds`, () => {
  // That all of these seeds break nothing is what the disasters show; that a bundle plays what its sources play, `repeatable`.
  it("and breaks nothing without one", async () => {
    const bundle = join(folder, "sound.mjs");
    await bundleWith([], bundle);
    expect(await play(bundle, { from: 0, seeds: 300 })).toMatchObject({ seeds: 300, failed: null });
  });

  it("nor in the weathers in which some of them are looked for", async () => {
    const bundle = join(folder, "sound.mjs");
    const weathers = new Map(mutants.flatMap(({ kinds }) => (kinds === undefined ? [] : [[kinds.join(), kinds]])));
    for (const [name, kinds] of weathers) {
      const { failed } = await play(bundle, { from: 0, seeds: 600, kinds });
      expect(failed, name).toBeNull();
    }
  });

  it.each(mutants.map((mutant, index) => ({ ...mutant, index })))("$name", async ({ edits, breaks, kinds, index }) => {
    const bundle = join(folder, `mutant-${index}.mjs`);
    await bundleWith(edits, bundle);
    const { failed } = await play(bundle, { from: 0, seeds: most, kinds });
    const rules = failed?.violations.map(({ rule }) => rule) ?? [];
    expect(
      breaks.some((rule) => rules.includes(rule)),
      `broke ${rules.join(", ") || "nothing"}`,
    ).toBe(true);
  });
});
