import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { builtBundles, cached } from "../built-bundles.js";
import { functionNames, type FunctionName } from "../resources.js";
import { zipWithRuntime } from "./zip.js";

export interface PackagedFunction {
  readonly name: FunctionName;
  /** As it is deployed to AWS. */
  readonly folder: string;
  /** With a program `bootstrap` besides, which speaks to the Runtime API: for `provided.al2023`. */
  readonly zip: Uint8Array;
}

export interface Packages {
  readonly functions: readonly PackagedFunction[];
  /** The program of the Batch container, unpacked: `index.js`. */
  readonly batchFolder: string;
}

/** Every function bundled as for AWS, and packed for the emulator. */
export async function packageFunctions(): Promise<Packages> {
  const bundles = await builtBundles();
  const zips = await cached("zips", async (folder) => {
    for (const name of functionNames) await writeFile(join(folder, `${name}.zip`), await zipOf(join(bundles, name)));
  });
  const read = async (name: FunctionName): Promise<PackagedFunction> => ({
    name,
    folder: join(bundles, name),
    zip: await readFile(join(zips, `${name}.zip`)),
  });
  return { functions: await Promise.all(functionNames.map(read)), batchFolder: join(bundles, "batch") };
}

/** With the runtime that `bootstrap` starts. */
async function zipOf(folder: string): Promise<Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[relative(folder, path).split(sep).join("/")] = await readFile(path);
  }
  return zipWithRuntime(files);
}
