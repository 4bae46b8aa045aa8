import { createReadStream } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { pipeline, type Readable, type Transform } from "node:stream";
import { createGunzip, createInflateRaw } from "node:zlib";
import { isStampedeError } from "@stampede/core";
import { fileError, type DataFile } from "./data-file.js";

/** Reads bytes one after the other. */
export interface ByteReader {
  /** Fills `into` from its start and answers how many bytes were filled: fewer than its length only at the end. */
  read(into: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** Where a stream of bytes lies inside a file; `end` is exclusive. */
export interface FileRange {
  readonly start: number;
  readonly end: number;
}

/** Opens a file, through gunzip when its name ends in `.gz`. */
export async function openBytes(file: DataFile): Promise<ByteReader> {
  if (!file.name.endsWith(".gz")) return new FileReader(file, await openFile(file));
  return new StreamReader(file, through(createReadStream(file.path), createGunzip()));
}

/** Opens part of a file: an entry of a zip archive. */
export function openRange(file: DataFile, { start, end }: FileRange, deflated: boolean): ByteReader {
  const { path } = file;
  const source = start === end ? undefined : createReadStream(path, { start, end: end - 1 });
  if (source === undefined) return { read: async () => 0, close: async () => undefined };
  return new StreamReader(file, deflated ? through(source, createInflateRaw()) : source);
}

export async function openFile(file: DataFile): Promise<FileHandle> {
  try {
    return await open(file.path, "r");
  } catch (error) {
    throw fileError(file, error);
  }
}

function through(source: Readable, inflate: Transform): Readable {
  // A failure of either end destroys the other; the reader meets it when it reads on.
  return pipeline(source, inflate, () => undefined);
}

class FileReader implements ByteReader {
  readonly #file: DataFile;
  readonly #handle: FileHandle;

  constructor(file: DataFile, handle: FileHandle) {
    this.#file = file;
    this.#handle = handle;
  }

  async read(into: Uint8Array): Promise<number> {
    try {
      return await fill(this.#handle, into);
    } catch (error) {
      throw fileError(this.#file, error);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Reads until `into` is full or the file ends: from `position`, or from where the last read stopped. */
export async function fill(handle: FileHandle, into: Uint8Array, position?: number): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const at = position === undefined ? null : position + filled;
    const { bytesRead } = await handle.read(into, filled, into.length - filled, at);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

class StreamReader implements ByteReader {
  readonly #file: DataFile;
  readonly #stream: Readable;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(file: DataFile, stream: Readable) {
    this.#file = file;
    this.#stream = stream;
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async read(into: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < into.length) {
      if (this.#rest.length === 0 && !(await this.#advance())) break;
      const taken = this.#rest.subarray(0, into.length - filled);
      into.set(taken, filled);
      filled += taken.length;
      this.#rest = this.#rest.subarray(taken.length);
    }
    return filled;
  }

  async #advance(): Promise<boolean> {
    try {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      this.#rest = next.value;
      return true;
    } catch (error) {
      throw isStampedeError(error) ? error : fileError(this.#file, error);
    }
  }

  async close(): Promise<void> {
    this.#stream.destroy();
  }
}
