import { open, type FileHandle } from "node:fs/promises";
import type { ByteRange, ByteReader, DataFiles, OpenedFile, StampedeError } from "@stampede/core";
import { refusal, systemCode } from "../refusal.js";

/** Files on this machine's disk, by absolute path. */
export const diskFiles: DataFiles = {
  async open(path) {
    const handle = await attempt(path, async () => open(path, "r"));
    try {
      const { size, mtimeMs } = await attempt(path, async () => handle.stat());
      return opened(path, handle, { bytes: size, version: `${size}-${mtimeMs}` });
    } catch (error) {
      await handle.close();
      throw error;
    }
  },
};

function opened(path: string, handle: FileHandle, facts: Pick<OpenedFile, "bytes" | "version">): OpenedFile {
  return { ...facts, reader: (range) => readerOf(path, handle, range), close: async () => handle.close() };
}

function readerOf(path: string, handle: FileHandle, { start, end }: ByteRange = wholeFile): ByteReader {
  let position = start;
  return {
    async read(into) {
      const wanted = into.subarray(0, Math.max(0, end - position));
      const filled = await attempt(path, async () => fill(handle, wanted, position));
      position += filled;
      return filled;
    },
    close: async () => undefined,
  };
}

const wholeFile: ByteRange = { start: 0, end: Number.POSITIVE_INFINITY };

/** What is read in any order; a FileHandle is one. */
export interface PositionedReads {
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
}

/** Reads from `position` on until `into` is full or the file ends. */
export async function fill(file: PositionedReads, into: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const { bytesRead } = await file.read(into, filled, into.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "a part of its path is not a folder",
  EACCES: "it may not be read",
  EPERM: "it may not be read",
  EISDIR: "it is a folder",
};

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskError(path, error);
  }
}

/** What a failed read means: the file is missing or closed to us. */
function diskError(path: string, cause: unknown): StampedeError {
  const reason = reasons[systemCode(cause) ?? ""] ?? (cause instanceof Error ? cause.message : String(cause));
  return refusal("data.not-readable", `Cannot read the data file ${path}: ${reason}.`, {
    details: { file: path },
    cause,
  });
}
