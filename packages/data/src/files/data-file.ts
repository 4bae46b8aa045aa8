import { resolve } from "node:path";
import type { StampedeError } from "@stampede/core";
import { refusal, systemCode } from "../refusal.js";

/** A file of the user's: `name` as it was given, for messages; `path` absolute. */
export interface DataFile {
  readonly name: string;
  readonly path: string;
}

export function dataFiles(names: string | readonly string[], baseFolder: string): readonly DataFile[] {
  const list = typeof names === "string" ? [names] : names;
  return list.map((name) => ({ name, path: resolve(baseFolder, name) }));
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "a part of its path is not a folder",
  EACCES: "it may not be read",
  EPERM: "it may not be read",
  EISDIR: "it is a folder",
};

/** What a failed read means: the file is missing or closed to us, or its compressed bytes are damaged. */
export function fileError(file: DataFile, cause: unknown): StampedeError {
  const code = systemCode(cause) ?? "";
  const details = { file: file.path };
  if (code === "Z_BUF_ERROR") {
    return refusal("data.format", `${file.name}: expected more compressed bytes, found the end of the file.`, {
      details,
      cause,
    });
  }
  if (code.startsWith("Z_")) {
    const text = `${file.name}: expected gzip or deflate data, found bytes that are not.`;
    return refusal("data.format", text, { details, cause });
  }
  const reason = reasons[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return refusal("data.not-readable", `Cannot read the data file ${file.path}: ${reason}.`, { details, cause });
}
