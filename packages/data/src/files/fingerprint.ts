import { createHash } from "node:crypto";
import { stopIfAborted } from "../refusal.js";
import { changed, type DataFile } from "./data-file.js";

/** What a file held when it was hashed. */
export interface Fingerprint {
  readonly file: DataFile;
  readonly sha256: string;
  readonly version: string;
}

const chunkBytes = 4 * 1024 * 1024;

/** Reads the whole file once, in pieces of a few megabytes. */
export async function fingerprint(file: DataFile, signal?: AbortSignal): Promise<Fingerprint> {
  const opened = await file.files.open(file.path);
  try {
    const hash = createHash("sha256");
    const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, Math.max(opened.bytes, 1)));
    const reader = opened.reader();
    for (;;) {
      stopIfAborted(signal);
      const filled = await reader.read(chunk);
      hash.update(chunk.subarray(0, filled));
      if (filled < chunk.length) break;
    }
    return { file, sha256: hash.digest("hex"), version: opened.version };
  } finally {
    await opened.close();
  }
}

/**
 * The content address was computed before the rows were read, so the file must not have changed in between.
 *
 * @throws StampedeError `data.not-readable`
 */
export async function assertUnchanged({ file, version }: Pick<Fingerprint, "file" | "version">): Promise<void> {
  const opened = await file.files.open(file.path);
  await opened.close();
  if (opened.version !== version) throw changed(file.path);
}
