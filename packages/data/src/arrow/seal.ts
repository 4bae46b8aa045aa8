import { crc32 } from "node:zlib";
import { corrupt } from "./corrupt.js";

/**
 * A CRC-32 over a whole Arrow file, kept in the metadata of its schema, which stands in the file twice: at the beginning and in the
 * footer. It is computed with zeros in its own places, and checked before anything is parsed: damaged metadata can make a parser
 * ask for any amount of memory.
 */
const mark = "stampede-crc32:";
const zeros = "00000000";

/** The schema's metadata of a file that is going to be sealed. */
export const sealMetadata: ReadonlyMap<string, string> = new Map([["stampede", mark + zeros]]);

/** Writes the seal into a file laid out with `sealMetadata`. */
export function seal(file: Buffer): Buffer {
  const places = placesIn(file);
  for (const place of places) file.write(crcOf(file, places), place, "latin1");
  return file;
}

/** @throws StampedeError `store.corrupt` when a byte of the file is not what was sealed */
export function checkSeal(bytes: Uint8Array, key: string): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const places = placesIn(file);
  if (places.length === 0) throw corrupt(key, "an Arrow file of predictions with a checksum", "none");
  const crc = crcOf(file, places);
  const wrong = places
    .map((place) => file.toString("latin1", place, place + zeros.length))
    .find((found) => found !== crc);
  if (wrong !== undefined) throw corrupt(key, `bytes with the CRC-32 ${wrong}`, crc);
}

function placesIn(file: Buffer): readonly number[] {
  const first = file.indexOf(mark, 0, "latin1");
  const last = file.lastIndexOf(mark, undefined, "latin1");
  return [...new Set([first, last])].filter((at) => at >= 0).map((at) => at + mark.length);
}

function crcOf(file: Buffer, places: readonly number[]): string {
  let crc = 0;
  let at = 0;
  for (const place of places) {
    crc = crc32(zeros, crc32(file.subarray(at, place), crc));
    at = place + zeros.length;
  }
  return crc32(file.subarray(at), crc).toString(16).padStart(zeros.length, "0");
}
