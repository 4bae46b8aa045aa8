import { join } from "node:path";
import { ifThere, removeFile, type Files } from "./files.js";
import { foreign } from "./store-error.js";

/**
 * The folder `<key>~` of an object that was replaced. It holds version 2 and up as `00000002`, and for every writer that is
 * under way its unfinished file, `<the version it wants to be>.<unique>`.
 *
 * A writer makes its file, which announces it, *then* checks that the version before is still the newest, and links. Whoever
 * prunes first removes every announcement of a version that is already there. So the name of a pruned version can never be
 * taken again: the writer's check fails if it came after, and its file is gone if it came before.
 */
export interface Versions {
  /** Ascending. */
  readonly numbers: readonly number[];
  readonly announced: readonly { readonly name: string; readonly version: number }[];
}

const digits = 8;
const pattern = /^(\d{8,})(\..+)?$/;

export function versionPath(folder: string, version: number): string {
  return join(folder, String(version).padStart(digits, "0"));
}

export function announcementPath(folder: string, version: number, unique: string): string {
  return `${versionPath(folder, version)}.${unique}`;
}

/** What is in the folder; undefined when there is none, which is how it is for an object that was never replaced. */
export function readVersions(files: Files, folder: string): Versions | undefined {
  const found = ifThere(() => files.lstatSync(folder, { throwIfNoEntry: false }));
  if (found === undefined) return undefined;
  if (!found.isDirectory()) throw foreign(folder, "a folder of versions", "something else");
  const names = ifThere(() => files.readdirSync(folder));
  return names && sortOut(names);
}

function sortOut(names: readonly string[]): Versions {
  const numbers: number[] = [];
  const announced: { name: string; version: number }[] = [];
  for (const name of names) {
    const match = pattern.exec(name);
    const version = Number(match?.[1] ?? 0);
    if (match !== null && match[2] === undefined) numbers.push(version);
    else announced.push({ name, version });
  }
  return { numbers: numbers.toSorted((a, b) => a - b), announced };
}

/** Removes all versions but the newest. A reader that was about to open one of them looks again. */
export function pruneVersions(files: Files, folder: string): void {
  const versions = readVersions(files, folder);
  const newest = versions?.numbers.at(-1);
  if (versions === undefined || newest === undefined) return;
  for (const { name, version } of versions.announced) {
    if (version <= newest) removeFile(files, join(folder, name));
  }
  for (const version of versions.numbers.slice(0, -1)) removeFile(files, versionPath(folder, version));
}

/** Removes every version, the newest last, and every announcement, so that no writer that is under way can succeed. */
export function removeVersions(files: Files, folder: string, { numbers, announced }: Versions): void {
  for (const version of numbers) removeFile(files, versionPath(folder, version));
  for (const { name } of announced) removeFile(files, join(folder, name));
}
