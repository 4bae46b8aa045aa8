import { resolve } from "node:path";
import type { DataFiles, StampedeError } from "@stampede/core";
import { quoted, refusal, systemCode } from "../refusal.js";
import { diskFiles } from "./disk-files.js";

/** A file of the user's: `name` as it was given, for messages; `path` absolute, or the name where that is a URI. */
export interface DataFile {
  readonly name: string;
  readonly path: string;
  /** The place it lies in. */
  readonly files: DataFiles;
}

/** Which places the files of a data set may lie in. */
export interface FileAccess {
  /** Whether files on this machine's disk may be read: not where somebody else named them. @default "read" */
  readonly disk?: "read" | "refuse";
  /** Opens `s3://bucket/key`. */
  readonly s3?: DataFiles;
  /** Opens `upload://ID/NAME`: see `uploadedFiles`. */
  readonly uploads?: DataFiles;
}

/** Where relative paths start, and what may be read. */
export interface FilePlace {
  readonly baseFolder: string;
  readonly access: FileAccess;
  /** What files were when their names were taken down, by path: no others are read. */
  readonly versions?: ReadonlyMap<string, string> | undefined;
}

/** @throws StampedeError `data.not-readable` for a file in a place that cannot be read from here */
export function dataFiles(names: string | readonly string[], place: FilePlace): readonly DataFile[] {
  const list = typeof names === "string" ? [names] : names;
  return list.map((name) => {
    const file = dataFile(name, place);
    const version = place.versions?.get(file.path);
    return version === undefined ? file : { ...file, files: pinned(file.files, version) };
  });
}

function pinned(files: DataFiles, version: string): DataFiles {
  return {
    async open(path) {
      const opened = await files.open(path);
      if (opened.version === version) return opened;
      await opened.close();
      throw changed(path);
    },
  };
}

export function changed(path: string): StampedeError {
  const text = `Expected ${path} to stay as it is while it is read; another program changed it.`;
  return refusal("data.not-readable", text, { details: { file: path } });
}

function dataFile(name: string, { baseFolder, access }: FilePlace): DataFile {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(name)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    if (access.disk !== "refuse") return { name, path: resolve(baseFolder, name), files: diskFiles };
    throw unreachable(
      name,
      "it lies on a disk, and the data is read in the cloud; put it to S3 and give its s3:// URI",
    );
  }
  if (scheme === "upload" && access.uploads !== undefined) return { name, path: name, files: access.uploads };
  if (scheme !== "s3") {
    throw unreachable(name, `data is read from disk and from s3://bucket/key, not from ${scheme}://`);
  }
  if (access.s3 !== undefined) return { name, path: name, files: access.s3 };
  throw unreachable(name, "there is no access to S3 here; it is there where a job runs on AWS");
}

function unreachable(name: string, reason: string): StampedeError {
  return refusal("data.not-readable", `Cannot read the data file ${quoted(name)}: ${reason}.`, {
    details: { file: name },
  });
}

/** What bytes that cannot be inflated mean: the file is damaged, or cut short. Other errors stay as they are. */
export function inflateError(file: DataFile, cause: unknown): unknown {
  const code = systemCode(cause) ?? "";
  const details = { file: file.path };
  if (code === "Z_BUF_ERROR") {
    return refusal("data.format", `${file.name}: expected more compressed bytes, found the end of the file.`, {
      details,
      cause,
    });
  }
  if (!code.startsWith("Z_")) return cause;
  return refusal("data.format", `${file.name}: expected gzip or deflate data, found bytes that are not.`, {
    details,
    cause,
  });
}
