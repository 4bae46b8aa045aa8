import type * as fs from "node:fs";

/**
 * What the store asks of the file system: functions of `node:fs`, which is the default. A test passes its own to make the disk
 * fill up or a writer stop between two steps.
 */
export type Files = Pick<
  typeof fs,
  | "closeSync"
  | "fstatSync"
  | "fsyncSync"
  | "futimesSync"
  | "linkSync"
  | "lstatSync"
  | "mkdirSync"
  | "openSync"
  | "readdirSync"
  | "readSync"
  | "realpathSync"
  | "rmdirSync"
  | "unlinkSync"
  | "writeSync"
> & {
  fsync(descriptor: number, done: (error: NodeJS.ErrnoException | null) => void): void;
  read(descriptor: number, into: Uint8Array, offset: number, length: number, position: number, done: Counted): void;
  write(descriptor: number, from: Uint8Array, offset: number, length: number, position: null, done: Counted): void;
};

export type Counted = (error: NodeJS.ErrnoException | null, bytes: number) => void;

/** The code of a failed system call (`ENOENT`), or undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "syscall" in error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

const gone: ReadonlySet<string | undefined> = new Set(["ENOENT", "ENOTDIR"]);

/** The result of a system call, or undefined when the path leads nowhere. */
export function ifThere<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (gone.has(errnoOf(error))) return undefined;
    throw error;
  }
}

/** Removes a file; false when there is none. A folder counts as none: it is no object. */
export function removeFile(files: Files, path: string): boolean {
  try {
    files.unlinkSync(path);
    return true;
  } catch (error) {
    const code = errnoOf(error);
    // unlink(2) of a folder: EISDIR on Linux, EPERM elsewhere.
    const isFolder = (): boolean => ifThere(() => files.lstatSync(path))?.isDirectory() === true;
    if (gone.has(code) || code === "EISDIR" || (code === "EPERM" && isFolder())) return false;
    throw error;
  }
}

/** Makes a folder unless something of that name is there. */
export function addFolder(files: Files, path: string): void {
  try {
    files.mkdirSync(path);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

const notRemoved: ReadonlySet<string | undefined> = new Set(["ENOENT", "ENOTDIR", "ENOTEMPTY", "EEXIST"]);

/** Removes a folder if it is empty; false when it is not, or is not there. */
export function removeEmptyFolder(files: Files, path: string): boolean {
  try {
    files.rmdirSync(path);
    return true;
  } catch (error) {
    if (notRemoved.has(errnoOf(error))) return false;
    throw error;
  }
}

/** Makes what was written to an open file survive a crash of the machine. */
export function sync(files: Files, descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => {
    files.fsync(descriptor, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** Makes the names in a folder survive a crash of the machine. Windows cannot open a folder, and does so by itself. */
export async function syncFolder(files: Files, path: string): Promise<void> {
  if (process.platform === "win32") return;
  const descriptor = files.openSync(path, "r");
  try {
    await sync(files, descriptor);
  } finally {
    files.closeSync(descriptor);
  }
}
