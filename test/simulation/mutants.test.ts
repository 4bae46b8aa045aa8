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
