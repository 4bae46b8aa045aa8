import { crc32 } from "node:zlib";
import type { NamedTensors } from "../tensors.js";
import { corruptObject } from "./corrupt-object.js";

/**
 * Checksums of blocks of an object's data, so that whoever reads a range can tell whether it is whole: a seal over the whole object says
 * nothing about a part of it. Objects with less data have none and are read whole.
 */
export const blockBytes = 2 ** 18;
const sumBytes = 4;

export function blocksIn(dataBytes: number): number {
  return Math.ceil(dataBytes / blockBytes);
}

/**
 * Checksums of tensors that lie one behind the other, as text for the metadata: base64 of little-endian CRC-32s, first the one of all
 * that follow. Undefined for small data.
 */
export function encodeBlockSums(tensors: NamedTensors): string | undefined {
  const total = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  if (total < blockBytes) return undefined;
  const sums = sumsOf(tensors);
  const bytes = new DataView(new ArrayBuffer((sums.length + 1) * sumBytes));
  for (const [block, sum] of sums.entries()) bytes.setUint32((block + 1) * sumBytes, sum, true);
  bytes.setUint32(0, crc32(new Uint8Array(bytes.buffer, sumBytes)), true);
  return Buffer.from(bytes.buffer).toString("base64");
}

/** A block may begin in one tensor and end in another. */
function sumsOf(tensors: NamedTensors): readonly number[] {
  const sums: number[] = [];
  let [sum, filled] = [0, 0];
  for (const { data } of tensors.values()) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    for (let from = 0; from < bytes.length;) {
      const part = bytes.subarray(from, from + blockBytes - filled);
      sum = crc32(part, sum);
      filled += part.length;
      from += part.length;
      if (filled < blockBytes) continue;
      sums.push(sum);
      [sum, filled] = [0, 0];
    }
  }
  return filled === 0 ? sums : [...sums, sum];
}

/** @throws StampedeError `store.corrupt` naming `key` */
export function decodeBlockSums(text: string, dataBytes: number, key: string): Int32Array {
  const bytes = new Uint8Array(Buffer.from(text, "base64"));
  const count = blocksIn(dataBytes);
  const view = new DataView(bytes.buffer);
  const isWhole =
    bytes.length === (count + 1) * sumBytes && view.getUint32(0, true) === crc32(bytes.subarray(sumBytes));
  if (!isWhole) throw corruptObject(key, `checksums of ${count} blocks`, "others, or damaged ones");
  return Int32Array.from({ length: count }, (_, block) => view.getInt32((block + 1) * sumBytes, true));
}

/** The range of whole blocks around bytes `begin` ... `end - 1`, cut at the data's end. */
export function blocksAround(
  begin: number,
  end: number,
  dataBytes: number,
): { readonly start: number; readonly end: number } {
  const start = Math.floor(begin / blockBytes) * blockBytes;
  return { start, end: Math.min(dataBytes, Math.ceil(end / blockBytes) * blockBytes) };
}

/**
 * @param bytes of the data in this range of whole blocks
 * @param sums of all blocks of the data
 * @throws StampedeError `store.corrupt` naming `key`
 */
export function checkBlocks(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  sums: Int32Array,
  key: string,
): void {
  if (bytes.length !== end - start) throw corruptObject(key, `${end - start} bytes of a range`, `${bytes.length}`);
  const first = start / blockBytes;
  for (let block = 0; block < blocksIn(bytes.length); block += 1) {
    const sum = crc32(bytes.subarray(block * blockBytes, (block + 1) * blockBytes));
    if ((sum | 0) === sums[first + block]) continue;
    throw corruptObject(key, `block ${first + block} as it was written`, "another: the object is damaged");
  }
}
