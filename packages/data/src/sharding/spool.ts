import { tmpdir } from "node:os";
import { StampedeError } from "@stampede/core";
import { fill } from "../files/disk-files.js";
import { NamelessFile } from "../files/nameless-file.js";
import { systemCode } from "../refusal.js";

/** One temporary file a column, rows appended in the order of a deal. Memory does not grow with rows or partitions. */
export interface Spool {
  /** Appends rows, one array of bytes for each column. */
  append(columns: readonly Uint8Array[]): Promise<void>;
  /** Fills `into` with the bytes of a column from `position` on. */
  read(column: number, position: number, into: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** @param folder where the files are made, which it does not show; by default the system's folder for temporary files */
export function openSpool(columns: number, folder: string = tmpdir()): Spool {
  const files = openFiles(columns, folder);
  const ends = files.map(() => 0);
  return {
    async append(parts) {
      for (const [column, bytes] of parts.entries()) {
        const file = files[column];
        const end = ends[column] ?? 0;
        if (file === undefined) continue;
        await file.writeAll(bytes, end).catch((error: unknown) => Promise.reject(spoolError(folder, error)));
        ends[column] = end + bytes.length;
      }
    },
    async read(column, position, into) {
      const file = files[column];
      const filled = file === undefined ? 0 : await fill(file, into, position);
      if (filled === into.length) return;
      throw new StampedeError(
        "internal.unexpected",
        `Expected ${into.length} spooled bytes at ${position}, found ${filled}.`,
      );
    },
    async close() {
      for (const file of files) await file.close();
    },
  };
}

function openFiles(columns: number, folder: string): NamelessFile[] {
  try {
    return NamelessFile.openMany(columns, folder);
  } catch (error) {
    throw spoolError(folder, error);
  }
}

function spoolError(folder: string, cause: unknown): StampedeError {
  const full = systemCode(cause) === "ENOSPC" || systemCode(cause) === "EDQUOT";
  const reason = cause instanceof Error ? cause.message : String(cause);
  const text = `Expected to write temporary files in ${folder}, found: ${reason}. No data set was stored.`;
  return new StampedeError(full ? "store.full" : "store.not-writable", text, { details: { folder }, cause });
}
