import { randomUUID } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { StampedeError } from "@stampede/core";
import { errnoOf, ifThere, removeFile, type Files } from "./files.js";
import { foreign } from "./store-error.js";

/** A temporary file this old belongs to a process that died. */
const staleMs = 24 * 60 * 60 * 1000;

export interface Root {
  readonly objects: string;
  readonly temporary: string;
}

/**
 * Makes the folders of a store, tries whether it can be written, and clears what dead processes left.
 * @throws StampedeError `store.not-writable`, `store.full`, `store.corrupt`
 */
export function openRoot(files: Files, root: string): Root {
  const wanted = resolve(root);
  try {
    if (!isLink(files, wanted)) makeFolder(files, wanted);
    const real = files.realpathSync(wanted);
    const made = { objects: join(real, "objects"), temporary: join(real, "tmp") };
    makeFolder(files, made.objects);
    makeFolder(files, made.temporary);
    probe(files, made);
    sweep(files, made.temporary);
    return made;
  } catch (error) {
    throw asOpenError(error, wanted);
  }
}

/** The root itself may be a link that the user made; what lies in it may not. */
function isLink(files: Files, path: string): boolean {
  return ifThere(() => files.lstatSync(path))?.isSymbolicLink() === true;
}

/** Makes a folder and those above it, durably. */
function makeFolder(files: Files, path: string): void {
  const first = files.mkdirSync(path, { recursive: true });
  if (files.lstatSync(path).isSymbolicLink()) throw foreign(path, "a folder of the store", "a symbolic link");
  if (first === undefined || process.platform === "win32") return;
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    const descriptor = files.openSync(dirname(made), "r");
    try {
      files.fsyncSync(descriptor);
    } finally {
      files.closeSync(descriptor);
    }
  }
}

/** Whether files can be made here, and linked: an error now is clearer than one at the first commit. */
function probe(files: Files, { objects, temporary }: Root): void {
  const path = join(temporary, `probe-${randomUUID()}`);
  const linked = join(objects, `probe-${randomUUID()}~`);
  files.closeSync(files.openSync(path, "wx"));
  try {
    files.linkSync(path, linked);
  } finally {
    removeFile(files, linked);
    removeFile(files, path);
  }
}

function sweep(files: Files, temporary: string): void {
  const before = Date.now() - staleMs;
  for (const name of files.readdirSync(temporary)) {
    const path = join(temporary, name);
    const found = ifThere(() => files.lstatSync(path));
    if (found?.isFile() === true && found.mtimeMs < before) removeFile(files, path);
  }
}

const linkless: ReadonlySet<string> = new Set(["EXDEV", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

function asOpenError(error: unknown, root: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const message = error instanceof Error ? error.message : errno;
  const details = { path: root, errno };
  if (errno === "ENOSPC" || errno === "EDQUOT") {
    return new StampedeError(
      "store.full",
      `Expected room for a store in ${root}, found: ${message}. Nothing was started.`,
      {
        cause: error,
        details,
      },
    );
  }
  const expected = linkless.has(errno) ? "a file system with hard links" : "a folder that can be created and written";
  return new StampedeError(
    "store.not-writable",
    `Expected ${expected} for the store in ${root}, found: ${message}. Nothing was started.`,
    { cause: error, details },
  );
}
