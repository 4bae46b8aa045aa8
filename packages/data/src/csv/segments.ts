import type { ByteRange } from "@stampede/core";
import { openBytes, openRange } from "../files/byte-reader.js";
import type { DataFile } from "../files/data-file.js";
import { refusal } from "../refusal.js";

export const lineFeed = 0x0a;
export const carriageReturn = 0x0d;
export const quoteMark = 0x22;

const firstCapacity = 1024 * 1024;
/** A longer record is taken for a quote that was left open. */
const maxRecordBytes = 64 * 1024 * 1024;

/**
 * Cuts a CSV file into pieces of whole records that end in a line feed, without a byte order mark. A piece is valid until the
 * next one is asked for.
 *
 * @param range a part of the file that begins where a record does, by default all
 * @throws StampedeError `data.not-readable`, `data.format`
 */
export async function* segments(file: DataFile, range?: ByteRange): AsyncGenerator<Buffer, undefined> {
  const reader = range === undefined ? await openBytes(file) : await openRange(file, range);
  try {
    let buffer: Buffer = Buffer.allocUnsafeSlow(firstCapacity);
    let filled = await reader.read(buffer);
    let ended = filled < buffer.length;
    let start = (range?.start ?? 0) > 0 ? 0 : markLength(file, buffer.subarray(0, filled));
    while (!ended || start < filled) {
      const found = endOfRecords(buffer.subarray(start, filled));
      if (found > 0) {
        yield buffer.subarray(start, start + found);
        start += found;
      } else if (ended) {
        yield Buffer.concat([buffer.subarray(start, filled), Buffer.of(lineFeed)]);
        return;
      }
      if (ended) continue;
      const kept = filled - start;
      const next = kept > buffer.length / 2 ? larger(file, buffer) : buffer;
      buffer.copy(next, 0, start, filled);
      buffer = next;
      start = 0;
      const read = await reader.read(buffer.subarray(kept));
      filled = kept + read;
      ended = filled < buffer.length;
    }
  } finally {
    await reader.close();
  }
}

function larger(file: DataFile, buffer: Buffer): Buffer {
  if (buffer.length < maxRecordBytes) return Buffer.allocUnsafeSlow(buffer.length * 2);
  const text = `${file.name}: expected records of at most ${maxRecordBytes} bytes, found a longer one; is a quote left open?`;
  throw refusal("data.format", text, { details: { file: file.path } });
}

/** The length of the UTF-8 byte order mark. */
export function markLength(file: DataFile, bytes: Buffer): number {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 3;
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (!utf16) return 0;
  throw refusal("data.format", `${file.name}: expected UTF-8 text, found UTF-16; save the file as UTF-8.`, {
    details: { file: file.path },
  });
}

/** The position after the last line feed outside quotes; 0 when there is none. */
function endOfRecords(bytes: Buffer): number {
  if (!bytes.includes(quoteMark)) return bytes.lastIndexOf(lineFeed) + 1;
  let inQuotes = false;
  let end = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quoteMark) inQuotes = !inQuotes;
    else if (byte === lineFeed && !inQuotes) end = at + 1;
  }
  return end;
}
