import { createHash } from "node:crypto";
import { isStampedeError } from "@stampede/core";
import { refusal, stopIfAborted } from "../refusal.js";
import { fill, openFile } from "./byte-reader.js";
import { fileError, type DataFile } from "./data-file.js";

/** What a file held when it was hashed. */
export interface Fingerprint {
  readonly file: DataFile;
  readonly sha256: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

const chunkBytes = 4 * 1024 * 1024;

/** Reads the whole file once, in pieces of a few megabytes. */
export async function fingerprint(file: DataFile, signal?: AbortSignal): Promise<Fingerprint> {
  const handle = await openFile(file);
  try {
    const { size, mtimeMs } = await handle.stat();
    const hash = createHash("sha256");
    const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, Math.max(size, 1)));
    for (;;) {
      stopIfAborted(signal);
      const filled = await fill(handle, chunk);
      hash.update(chunk.subarray(0, filled));
      if (filled < chunk.length) break;
    }
    return { file, sha256: hash.digest("hex"), bytes: size, modifiedMs: mtimeMs };
  } catch (error) {
    throw isStampedeError(error) ? error : fileError(file, error);
  } finally {
    await handle.close();
  }
}

/**
 * The content address was computed before the rows were read, so the file must not have changed in between.
 *
 * @throws StampedeError `data.not-readable`
 */
export async function assertUnchanged({ file, bytes, modifiedMs }: Fingerprint): Promise<void> {
  const handle = await openFile(file);
  try {
    const now = await handle.stat();
    if (now.size === bytes && now.mtimeMs === modifiedMs) return;
  } finally {
    await handle.close();
  }
  const text = `Expected ${file.path} to stay as it is while it is read; another program changed it.`;
  throw refusal("data.not-readable", text, { details: { file: file.path } });
}
