import { randomBytes } from "node:crypto";
import { lstat, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

const uniqueBytes = 6;
const unique = /^[0-9a-f]{12}$/;
/** Nobody writes on one for so long: each of its files, which are 512 MiB at most, renews its time. */
const staleMs = 3_600_000;

/** Where something is written that is to appear at `path` as a whole: beside it, under a name of its own. */
export function draftBeside(path: string): string {
  return join(dirname(path), `${prefixOf(path)}${randomBytes(uniqueBytes).toString("hex")}`);
}

/**
 * Removes folders that processes left which died while they wrote what was to be at `path`: exactly such names, and nothing that anybody
 * may still be writing. What cannot be removed stays; it is in nobody's way.
 */
export async function sweepDrafts(path: string): Promise<void> {
  const folder = dirname(path);
  const prefix = prefixOf(path);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(prefix) || !unique.test(name.slice(prefix.length))) continue;
    const draft = join(folder, name);
    const found = await lstat(draft).catch(() => undefined);
    if (found?.isDirectory() !== true || found.mtimeMs > Date.now() - staleMs) continue;
    await rm(draft, { recursive: true, force: true }).catch(() => undefined);
  }
}

function prefixOf(path: string): string {
  return `.${basename(path)}-`;
}
