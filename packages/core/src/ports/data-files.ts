import type { ByteRange } from "./object-store.js";

/** Reads bytes one after the other. */
export interface ByteReader {
  /** Fills `into` from its start and answers how many bytes were filled: fewer than its length only at the end. */
  read(into: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** A file of the user's data, opened for reading. */
export interface OpenedFile {
  readonly bytes: number;
  /** MUST differ between two contents of the same file: an etag, or size and time of change. Opaque. */
  readonly version: string;
  /**
   * Reads the bytes of a range, by default all, in order and in bounded memory. Any number of readers may be open at once. A file
   * that is another one by now MUST NOT be taken for the one that was opened.
   */
  reader(range?: ByteRange): ByteReader;
  /** Its readers end with it. */
  close(): Promise<void>;
}

/**
 * Where the files of a data set lie. Adapters: this machine's disk, S3.
 *
 * Every method, and those of what it opens, reject with a StampedeError: `data.not-readable`, `store.unavailable` when the place did not answer.
 */
export interface DataFiles {
  /** @param path an absolute path, or a URI of the adapter's scheme */
  open(path: string): Promise<OpenedFile>;
}
