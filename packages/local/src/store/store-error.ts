import { isStampedeError, StampedeError, type ErrorCode } from "@stampede/core";
import { errnoOf } from "./files.js";

export interface Failed {
  readonly doing: "read" | "write" | "list" | "delete";
  readonly key: string;
  readonly path: string;
}

const full: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);
const forbidden: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS"]);

/** Turns the error of a system call into the store's own; any other error (of a stream's source) is passed on as it is. */
export function asStoreError(error: unknown, failed: Failed): unknown {
  const errno = errnoOf(error);
  if (isStampedeError(error) || errno === undefined) return error;
  const { doing, key, path } = failed;
  const code = codeOf(errno, doing);
  const object = `${JSON.stringify(key)} (${path})`;
  const message = error instanceof Error ? error.message : errno;
  return new StampedeError(code, textOf(code, doing, object, message), { cause: error, details: { key, path, errno } });
}

function codeOf(errno: string, doing: Failed["doing"]): ErrorCode {
  if (doing === "write" && full.has(errno)) return "store.full";
  if ((doing === "write" || doing === "delete") && forbidden.has(errno)) return "store.not-writable";
  return errno === "ELOOP" ? "store.corrupt" : "store.unavailable";
}

function textOf(code: ErrorCode, doing: Failed["doing"], object: string, message: string): string {
  switch (code) {
    case "store.full":
      return `Expected room for object ${object}, found the disk full: ${message}. The object was not stored; what was committed before is safe.`;
    case "store.not-writable":
      return `Expected to be allowed to ${doing} object ${object}, found: ${message}. Nothing was changed.`;
    case "store.corrupt":
      return `Expected object ${object} to be a file of the store, found a symbolic link: ${message}. It was not followed.`;
    default:
      return `Expected to ${doing} object ${object}, found: ${message}. What was committed before is safe.`;
  }
}

/** Something lies in the store's folder that the store never makes. */
export function foreign(path: string, expected: string, found: string): StampedeError {
  return new StampedeError(
    "store.corrupt",
    `Expected ${expected} at ${path}, found ${found}. It was not followed; remove it or use another folder.`,
    { details: { path } },
  );
}
