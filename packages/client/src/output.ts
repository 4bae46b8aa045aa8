import { randomBytes } from "node:crypto";
import { access, constants, link, lstat, mkdir, open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { StampedeError } from "@stampede/core";

export interface OutputOptions {
  readonly overwrite: boolean;
  readonly existsCode: "model.exists" | "output.exists";
}

/**
 * Makes sure, before anything is computed, that there is nothing at `path` (unless it may be replaced) and that its folder, or the
 * nearest one above it that exists, may be written.
 * @throws StampedeError `model.exists` or `output.exists`; `output.not-writable`
 */
export async function checkOutput(path: string, { overwrite, existsCode }: OutputOptions): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found !== undefined && !overwrite) {
    const message = `Expected nothing at ${path}, found ${found.isDirectory() ? "a folder" : "a file"}. Nothing was started.`;
    throw new StampedeError(existsCode, message, { details: { path } });
  }
  const folder = await nearestFolder(dirname(resolve(path)), path);
  await access(folder, constants.W_OK | constants.X_OK).catch((cause: unknown) => {
    throw notWritable(path, `${folder} may not be written`, cause);
  });
}

/** Writes a file that appears whole or not at all. */
export async function writeWholeFile(
  path: string,
  overwrite: boolean,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}-${randomBytes(6).toString("hex")}`);
  await mkdir(dirname(path), { recursive: true });
  try {
    const file = await open(draft, "wx");
    try {
      await write(file);
    } finally {
      await file.close();
    }
    // A link, unlike a rename, does not replace what has come to be there in the meantime.
    await (overwrite ? rename(draft, path) : link(draft, path));
  } finally {
    await rm(draft, { force: true });
  }
}

async function nearestFolder(folder: string, path: string): Promise<string> {
  const facts = await stat(folder).catch(() => undefined);
  if (facts?.isDirectory() === true) return folder;
  if (facts !== undefined || folder === dirname(folder)) throw notWritable(path, `${folder} is no folder`, undefined);
  return nearestFolder(dirname(folder), path);
}

function notWritable(path: string, found: string, cause: unknown): StampedeError {
  const message = `Expected a place that can be written at ${path}, but ${found}. Nothing was started.`;
  return new StampedeError("output.not-writable", message, { details: { path }, cause });
}
