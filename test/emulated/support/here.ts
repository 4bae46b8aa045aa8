import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { weightsFileOf } from "../../chaos/support/life.js";
import { Run } from "../../chaos/support/run.js";
import { succeeded, type Succeeded } from "../../e2e/support/cli.js";
import { examples } from "./cloud.js";

/** What a job comes to on this machine, undisturbed: what it must come to everywhere. */
export interface Reference {
  readonly ended: Succeeded;
  readonly weightsFile: string;
}

export async function trainHere(words: readonly string[]): Promise<Reference> {
  const folder = await mkdtemp(join(tmpdir(), "stampede-here-"));
  const run = new Run(["train", ...words, "--out", join(folder, "out"), "--json"], {
    cwd: examples,
    home: join(folder, "home"),
    mark: folder,
  });
  const ended = succeeded(await run.ended);
  const weightsFile = await weightsFileOf(ended);
  await rm(folder, { recursive: true });
  return { ended, weightsFile };
}

/** The same weights to the bit, and the same metrics. */
export async function expectSame(found: Succeeded, { ended, weightsFile }: Reference): Promise<void> {
  expect(found.weightsSha256).toBe(ended.weightsSha256);
  expect(found.metrics).toEqual(ended.metrics);
  expect(found.validation).toEqual(ended.validation);
  expect(found.rounds).toBe(ended.rounds);
  expect(await weightsFileOf(found)).toBe(weightsFile);
}
