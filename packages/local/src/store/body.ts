import { randomInt } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { StampedeError, type ByteRange } from "@stampede/core";
import { sync, type Counted, type Files } from "./files.js";

/** Up to this size a system call takes less time than the way to another thread and back (measured: see the README). */
const maxSyncBytes = 1_048_576;

/** The source of a stream failed; the error belongs to the caller and is no fault of the store. */
export class SourceFailed extends Error {
  override readonly name = "SourceFailed";
}

/** Writes a new file and makes its content durable. Whoever calls removes it when this fails. */
export async function writeFile(
  files: Files,
  path: string,
  body: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<BigIntStats> {
  const descriptor = files.openSync(path, "wx");
  try {
    if (body instanceof Uint8Array) await writeAll(files, descriptor, body);
    else for await (const chunk of fromSource(body)) await writeAll(files, descriptor, chunk);
    stamp(files, descriptor);
    await sync(files, descriptor);
    return files.fstatSync(descriptor, { bigint: true });
  } finally {
    files.closeSync(descriptor);
  }
}

async function* fromSource(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    throw new SourceFailed("The source of a stream failed.", { cause: error });
  }
}

/**
 * A file that was deleted hands its inode to the next one, and the kernel's clock ticks every few milliseconds: so that two
 * objects never share an etag, the time gets a random part below the second.
 */
function stamp(files: Files, descriptor: number): void {
  const seconds = Math.floor(Date.now() / 1000) + randomInt(1_000_000) / 1e6;
  files.futimesSync(descriptor, seconds, seconds);
}

async function writeAll(files: Files, descriptor: number, bytes: Uint8Array): Promise<void> {
  for (let from = 0; from < bytes.length;) {
    const rest = bytes.length - from;
    from +=
      rest <= maxSyncBytes
        ? files.writeSync(descriptor, bytes, from, rest)
        : await new Promise<number>((resolve, reject) => {
            files.write(descriptor, bytes, from, rest, null, settle(resolve, reject));
          });
  }
}

/** The bytes of a range, cut at the end of the file. */
export async function readRange(
  files: Files,
  descriptor: number,
  size: number,
  range: ByteRange = { start: 0, end: size },
): Promise<Uint8Array> {
  const start = Math.max(0, range.start);
  const length = Math.max(0, Math.min(range.end, size) - start);
  // Not from the shared pool: tensors are laid over it, so it must begin at offset 0.
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer, 0, length);
  for (let done = 0; done < length;) {
    const rest = length - done;
    const read =
      rest <= maxSyncBytes
        ? files.readSync(descriptor, bytes, done, rest, start + done)
        : await new Promise<number>((resolve, reject) => {
            files.read(descriptor, bytes, done, rest, start + done, settle(resolve, reject));
          });
    if (read === 0) throw shrunk(size, start + done);
    done += read;
  }
  return bytes;
}

function settle(resolve: (count: number) => void, reject: (error: Error) => void): Counted {
  return (error, count) => (error === null ? resolve(count) : reject(error));
}

function shrunk(size: number, end: number): StampedeError {
  return new StampedeError(
    "store.corrupt",
    `Expected an object of ${size} bytes, found ${end}: another program cut it short while it was read.`,
  );
}
