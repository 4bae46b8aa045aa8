import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { build, type Plugin } from "esbuild";
import * as z from "zod";
import type { Edit } from "./mutant.js";

const packages = join(import.meta.dirname, "../../packages");

/** Bundles the simulator with edits in the files that it plays. */
export async function bundleWith(edits: readonly Edit[], outfile: string): Promise<void> {
  const edited = new Set<Edit>();
  await build({
    entryPoints: [join(import.meta.dirname, "mutant-process.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    outfile,
    // The contracts are not needed, but for one export of the package's other entry nobody asks.
    external: ["vitest"],
    plugins: [planting(edits, edited)],
    logLevel: "error",
  });
  const missed = edits.filter((each) => !edited.has(each));
  if (missed.length > 0) throw new Error(`not part of the bundle: ${missed.map(({ file }) => file).join(", ")}`);
}

function planting(edits: readonly Edit[], edited: Set<Edit>): Plugin {
  return {
    name: "plant",
    setup({ onLoad }) {
      for (const file of new Set(edits.map((each) => each.file))) {
        onLoad({ filter: new RegExp(`${escaped(join(packages, file))}$`) }, async ({ path }) => {
          let contents = await readFile(path, "utf8");
          for (const each of edits.filter((one) => one.file === file)) {
            contents = planted(contents, each);
            edited.add(each);
          }
          return { contents, loader: "js" };
        });
      }
    },
  };
}

/** The table of bugs must follow the code: what is to be changed occurs exactly once. */
function planted(contents: string, { file, find, replace }: Edit): string {
  const occurrences = contents.split(find).length - 1;
  if (occurrences !== 1) throw new Error(`${file}: expected once, found ${occurrences} times: ${find}`);
  return contents.replace(find, () => replace);
}

function escaped(path: string): string {
  return path.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

const Outcome = z.strictObject({
  seeds: z.number(),
  fingerprint: z.number(),
  failed: z
    .strictObject({
      seed: z.number(),
      violations: z.array(z.strictObject({ rule: z.string(), message: z.string() })),
    })
    .nullable(),
  shrunk: z
    .strictObject({
      injected: z.number(),
      faults: z.number(),
      changes: z.array(z.string()),
      fails: z.boolean(),
      lines: z.number(),
    })
    .nullable(),
});
export type Outcome = z.infer<typeof Outcome>;

export interface Play {
  readonly from: number;
  readonly seeds: number;
  readonly mode?: "" | "shrink";
  /** Kinds of faults that happen; otherwise the seed's own weather decides. */
  readonly kinds?: readonly string[] | undefined;
}

/** Plays seeds with a bundle, until one breaks a promise. */
export async function play(bundle: string, { from, seeds, mode = "", kinds = [] }: Play): Promise<Outcome> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [bundle, String(from), String(seeds), mode, kinds.join()],
    { maxBuffer: 2 ** 26 },
  );
  return Outcome.parse(JSON.parse(stdout));
}
