import { pipeline, Readable, type Transform } from "node:stream";
import { createGunzip, createInflateRaw } from "node:zlib";
import type { ByteRange, ByteReader, OpenedFile } from "@stampede/core";
import { inflateError, type DataFile } from "./data-file.js";

/**
 * Opens a file, through gunzip when its name ends in `.gz`.
 * @param start the first byte that is wanted. Compressed files are read up to there all the same.
 */
export async function openBytes(file: DataFile, start = 0): Promise<ByteReader> {
  const opened = await file.files.open(file.path);
  if (!isCompressed(file)) return closing(opened, opened.reader({ start, end: opened.bytes }));
  return skipped(closing(opened, inflated(file, opened.reader(), createGunzip())), start);
}

/** A reader without its first bytes. */
export async function skipped(reader: ByteReader, bytes: number): Promise<ByteReader> {
  try {
    for (let left = bytes; left > 0;) {
      const passed = Buffer.allocUnsafe(Math.min(left, chunkBytes));
      if ((await reader.read(passed)) < passed.length) break;
      left -= passed.length;
    }
    return reader;
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** Whether the file's bytes can only be read from their beginning. */
export function isCompressed({ name }: DataFile): boolean {
  return name.endsWith(".gz");
}

/** Opens part of a file: records of it, or an entry of a zip archive. */
export async function openRange(file: DataFile, range: ByteRange, deflated = false): Promise<ByteReader> {
  const opened = await file.files.open(file.path);
  const reader = opened.reader(range);
  return closing(opened, deflated ? inflated(file, reader, createInflateRaw()) : reader);
}

/** The file is closed with the one reader it was opened for. */
function closing(opened: OpenedFile, reader: ByteReader): ByteReader {
  return {
    read: (into) => reader.read(into),
    async close() {
      await reader.close();
      await opened.close();
    },
  };
}

const chunkBytes = 256 * 1024;

function inflated(file: DataFile, reader: ByteReader, inflate: Transform): ByteReader {
  // A failure of either end destroys the other; the reader meets it when it reads on.
  const stream = pipeline(Readable.from(chunksOf(reader), { highWaterMark: 1 }), inflate, () => undefined);
  return new StreamReader(file, stream);
}

async function* chunksOf(reader: ByteReader): AsyncGenerator<Uint8Array> {
  for (;;) {
    // The stream may still hold the chunk before.
    const chunk = Buffer.allocUnsafeSlow(chunkBytes);
    const filled = await reader.read(chunk);
    if (filled > 0) yield chunk.subarray(0, filled);
    if (filled < chunk.length) return;
  }
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
      throw inflateError(this.#file, error);
    }
  }

  async close(): Promise<void> {
    this.#stream.destroy();
  }
}
