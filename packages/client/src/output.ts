import { access, constants, link, lstat, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isStampedeError, StampedeError } from "@stampede/core";
import { draftBeside } from "./drafts.js";

export interface OutputOptions {
  readonly overwrite: boolean;
  readonly existsCode: "model.exists" | "output.exists";
  /** What is told of the outcome. @default nothing was started */
  readonly outcome?: string;
}

/** For checks that come when the work is done. */
export const notSaved = "Nothing was saved there.";

/**
 * Makes sure, before anything is computed, that there is nothing at `path` (unless it may be replaced) and that its folder, or the
 * nearest one above it that exists, may be written.
 * @throws StampedeError `model.exists` or `output.exists`; `output.not-writable`
 */
export async function checkOutput(path: string, options: OutputOptions): Promise<void> {
  const { overwrite, existsCode, outcome = "Nothing was started." } = options;
  const found = await lstat(path).catch(() => undefined);
  if (found !== undefined && !overwrite) {
    const message = `Expected nothing at ${path}, found ${found.isDirectory() ? "a folder" : "a file"}. ${outcome}`;
    throw new StampedeError(existsCode, message, { details: { path } });
  }
  const refuse = (reason: string, cause?: unknown): never => {
    const message = `Expected a place that can be written at ${path}, but ${reason}. ${outcome}`;
    throw new StampedeError("output.not-writable", message, { details: { path }, cause });
  };
  const folder = await nearestFolder(dirname(resolve(path)), refuse);
  await access(folder, constants.W_OK | constants.X_OK).catch((cause: unknown) =>
    refuse(`${folder} may not be written`, cause),
  );
}

type Append = (bytes: Uint8Array) => Promise<void>;

/**
 * Writes a file that appears whole or not at all.
 * @throws StampedeError `output.exists`, `output.full`, `output.not-writable`, and what `write` throws
 */
export async function writeWholeFile(
  path: string,
  overwrite: boolean,
  write: (append: Append) => Promise<void>,
): Promise<void> {
  await asOutput(path, async () => {
    const draft = draftBeside(path);
    await mkdir(dirname(path), { recursive: true });
    try {
      const file = await open(draft, "wx");
      try {
        // Not `write`, which writes less than it was given where the disk ends, or beyond 2 GiB, and calls that a success.
        await write((bytes) => file.appendFile(bytes));
      } finally {
        await file.close();
      }
      await checkOutput(path, { overwrite, existsCode: "output.exists", outcome: notSaved });
      // A link, unlike a rename, does not replace what has come to be there in the meantime.
      await (overwrite ? rename(draft, path) : link(draft, path));
    } finally {
      await rm(draft, { force: true });
    }
  });
}

const full: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT"]);

/**
 * Turns errors of the system calls that write what is to be at `path` into the output's own.
 * @throws StampedeError `output.full`, `output.not-writable`; any other error of `work` as it is
 */
export async function asOutput<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isSystemCall = error instanceof Error && "syscall" in error && "code" in error;
    if (!isSystemCall || isStampedeError(error)) throw error;
    const details = { path, errno: String(error.code) };
    const [code, expected] = full.has(error.code)
      ? (["output.full", `room for ${path}`] as const)
      : (["output.not-writable", `a place that can be written at ${path}`] as const);
    const message = `Expected ${expected}, found: ${error.message}. ${notSaved}`;
    throw new StampedeError(code, message, { details, cause: error });
  }
}

async function nearestFolder(folder: string, refuse: (reason: string) => never): Promise<string> {
  const facts = await stat(folder).catch(() => undefined);
  if (facts?.isDirectory() === true) return folder;
  if (facts !== undefined || folder === dirname(folder)) return refuse(`${folder} is no folder`);
  return nearestFolder(dirname(folder), refuse);
}
