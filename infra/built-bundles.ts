import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { bundle, bundleNames } from "./bundles.js";

const root = join(import.meta.dirname, "..");
const cacheFolder = join(root, "node_modules/.cache/stampede");
/** Of builds that are kept: another process may still deploy the one before. */
const keptBuilds = 3;

/**
 * Every bundle, in a folder of its name. Built once for the same sources; any number of processes may ask.
 * @returns a folder that is never changed
 */
export function builtBundles(): Promise<string> {
  return cached("bundles", async (folder) => {
    await Promise.all(bundleNames.map((name) => bundle(name, join(folder, name))));
  });
}

/**
 * A folder that follows from the sources of the functions: made beside and put in place by one renaming, so that there is all of it
 * or nothing.
 * @param kind of what is in it
 */
export async function cached(kind: string, make: (folder: string) => Promise<void>): Promise<string> {
  const builds = join(cacheFolder, kind);
  const folder = join(builds, await versionOfSources());
  if (existsSync(folder)) return folder;
  const work = join(builds, `work-${randomUUID()}`);
  await mkdir(work, { recursive: true });
  await make(work);
  await rename(work, folder).catch(async (error: unknown) => {
    await rm(work, { recursive: true });
    // Another process was first.
    if (!existsSync(folder)) throw error;
  });
  await removeOld(builds);
  return folder;
}

async function removeOld(builds: string): Promise<void> {
  const folders = (await readdir(builds)).filter((name) => /^[0-9a-f]+$/.test(name)).map((name) => join(builds, name));
  const dated = await Promise.all(folders.map(async (path) => ({ path, at: (await stat(path)).mtimeMs })));
  const old = dated.toSorted((a, b) => b.at - a.at).slice(keptBuilds);
  await Promise.all(old.map(({ path }) => rm(path, { recursive: true, force: true })));
}

const packageFolders = ["core", "graph", "runtime", "data", "training", "aws", "api"].map(
  (name) => `packages/${name}/dist`,
);

/** A hash of all that ends up in a bundle, or beside it in a zip; what the lock file names stands for the packages. */
async function versionOfSources(): Promise<string> {
  const hash = createHash("sha256");
  for (const folder of ["functions/src", "infra/emulated", ...packageFolders]) {
    const names = (await readdir(join(root, folder), { recursive: true })).filter((name) => /\.(js|ts)$/.test(name));
    for (const name of names.toSorted()) hash.update(name).update(await readFile(join(root, folder, name)));
  }
  for (const file of ["infra/bundles.ts", "infra/resources.ts", "package-lock.json"]) {
    hash.update(await readFile(join(root, file)));
  }
  return hash.digest("hex").slice(0, 16);
}
