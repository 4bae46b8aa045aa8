import { mkdtemp, open, rm, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StampedeError } from "@stampede/core";
import { fill } from "../files/disk-files.js";
import { systemCode } from "../refusal.js";

/** One temporary file a column, rows appended in the order of a deal. Memory does not grow with rows or partitions. */
export interface Spool {
  /** Appends rows, one array of bytes for each column. */
  append(columns: readonly Uint8Array[]): Promise<void>;
  /** Fills `into` with the bytes of a column from `position` on. */
  read(column: number, position: number, into: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param folder where the files are made; by default the system's folder for temporary files. They are removed from it at once and
 *   live on while they are open, so that nothing stays behind even when the process is killed.
 */
export async function openSpool(columns: number, folder: string = tmpdir()): Promise<Spool> {
  const files: FileHandle[] = [];
  const close = async (): Promise<void> => {
    for (const file of files) await file.close();
  };
  try {
    const own = await mkdtemp(join(folder, "stampede-spool-"));
    try {
      for (let column = 0; column < columns; column++) files.push(await open(join(own, String(column)), "wx+"));
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  } catch (error) {
    await close();
    throw spoolError(folder, error);
  }
  const ends = files.map(() => 0);
  return {
    async append(parts) {
      for (const [column, bytes] of parts.entries()) {
        const file = files[column];
        const end = ends[column] ?? 0;
        if (file === undefined) continue;
        await writeAll(file, bytes, end).catch((error: unknown) => Promise.reject(spoolError(folder, error)));
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
    close,
  };
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

function spoolError(folder: string, cause: unknown): StampedeError {
  const full = systemCode(cause) === "ENOSPC" || systemCode(cause) === "EDQUOT";
  const reason = cause instanceof Error ? cause.message : String(cause);
  const text = `Expected to write temporary files in ${folder}, found: ${reason}. No data set was stored.`;
  return new StampedeError(full ? "store.full" : "store.not-writable", text, { details: { folder }, cause });
}
