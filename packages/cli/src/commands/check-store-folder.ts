import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Check } from "./doctor.js";

/** The store commits an object with an exclusive hard link of a synced file; not every file system has those. */
export async function checkStoreFolder(home: string): Promise<Check> {
  const check = "store folder";
  const remedy = "set STAMPEDE_HOME to a folder on a local disk that you may write";
  try {
    const created = await mkdir(home, { recursive: true });
    try {
      await tryLink(home);
    } finally {
      // A check leaves nothing behind.
      if (created !== undefined) await rm(created, { recursive: true, force: true });
    }
    return { check, ok: true, found: `${home}, writable, hard links work` };
  } catch (error) {
    return { check, ok: false, found: `${home}: ${error instanceof Error ? error.message : String(error)}`, remedy };
  }
}

async function tryLink(folder: string): Promise<void> {
  const name = join(folder, `.doctor-${randomBytes(6).toString("hex")}`);
  const linked = `${name}-linked`;
  try {
    const file = await open(name, "wx");
    try {
      await file.writeFile("stampede");
      await file.sync();
    } finally {
      await file.close();
    }
    await link(name, linked);
    const shown = await readFile(linked, "utf8");
    if (shown !== "stampede") throw new Error("a hard link does not show the file's content");
    await refuseSecondLink(name, linked);
  } finally {
    await Promise.all([rm(name, { force: true }), rm(linked, { force: true })]);
  }
}

async function refuseSecondLink(name: string, linked: string): Promise<void> {
  const second = await link(name, linked).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code,
  );
  if (second !== "EEXIST") throw new Error("a hard link replaces a file that is there");
}

/** The folder itself or the nearest one above it that exists. */
export async function nearestFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const facts = await stat(folder).catch(() => undefined);
    if (facts?.isDirectory() === true || folder === dirname(folder)) return folder;
  }
}
