import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { bundle, type BundleName } from "../bundles.js";
import { functionNames, type FunctionName } from "../resources.js";
import { zipWithRuntime } from "./zip.js";

const root = join(import.meta.dirname, "../..");
const cacheFolder = join(root, "node_modules/.cache/stampede/functions");
/** Of builds that are kept: another process may still deploy the one before. */
const keptBuilds = 3;

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

/** Bundles every function, as for AWS, and packs it for the emulator. Once for the same sources; any number of processes may ask. */
export async function packageFunctions(): Promise<Packages> {
  const folder = join(cacheFolder, await versionOfSources());
  if (!existsSync(folder)) await buildInto(folder);
  const read = async (name: FunctionName): Promise<PackagedFunction> => ({
    name,
    folder: join(folder, name),
    zip: await readFile(join(folder, `${name}.zip`)),
  });
  return { functions: await Promise.all(functionNames.map(read)), batchFolder: join(folder, "batch") };
}

/** Built beside and put in place by one renaming: there is all of it or nothing. */
async function buildInto(folder: string): Promise<void> {
  const work = join(cacheFolder, `work-${randomUUID()}`);
  await mkdir(work, { recursive: true });
  const names: readonly BundleName[] = [...functionNames, "batch"];
  await Promise.all(names.map((name) => bundle(name, join(work, name))));
  for (const name of functionNames) {
    await writeFile(join(work, `${name}.zip`), await zipOf(join(work, name)));
  }
  await rename(work, folder).catch(async (error: unknown) => {
    await rm(work, { recursive: true });
    // Another process was first.
    if (!existsSync(folder)) throw error;
  });
  await removeOldBuilds();
}

async function removeOldBuilds(): Promise<void> {
  const builds = (await readdir(cacheFolder))
    .filter((name) => /^[0-9a-f]+$/.test(name))
    .map((name) => join(cacheFolder, name));
  const dated = await Promise.all(builds.map(async (path) => ({ path, at: (await stat(path)).mtimeMs })));
  const old = dated.toSorted((a, b) => b.at - a.at).slice(keptBuilds);
  await Promise.all(old.map(({ path }) => rm(path, { recursive: true, force: true })));
}

const packageFolders = ["core", "graph", "runtime", "data", "training", "aws"].map((name) => `packages/${name}/dist`);

/** A hash of all that ends up in a bundle, but for the packages that the lock file names. */
async function versionOfSources(): Promise<string> {
  const hash = createHash("sha256");
  const folders = ["functions/src", "infra", ...packageFolders];
  for (const folder of folders) {
    const names = (await readdir(join(root, folder), { recursive: true })).filter((name) => /\.(js|ts)$/.test(name));
    for (const name of names.toSorted()) hash.update(name).update(await readFile(join(root, folder, name)));
  }
  hash.update(await readFile(join(root, "package-lock.json")));
  return hash.digest("hex").slice(0, 16);
}

/** The runtime that `bootstrap` starts. */
async function zipOf(folder: string): Promise<Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[relative(folder, path).split(sep).join("/")] = await readFile(path);
  }
  return zipWithRuntime(files);
}
