import { crc32 } from "node:zlib";
import { corruptObject } from "./corrupt-object.js";

/**
 * A seal is the CRC-32 of a whole object in 8 hex digits, at a fixed place inside it, computed with zeros in its own place. It finds
 * every flipped bit and every burst of up to 32 bits; it does not protect against forgery.
 */
export const emptySeal = "00000000";
const sealBytes = emptySeal.length;
const encoder = new TextEncoder();
const emptySealBytes = encoder.encode(emptySeal);

/** Writes the seal in place of `emptySeal`, which stands at byte `at`. */
export function writeSeal(bytes: Uint8Array, at: number): void {
  bytes.set(encoder.encode(sealOf(bytes, at)), at);
}

/**
 * @param opening how every such object begins; the seal follows it
 * @throws StampedeError `store.corrupt`
 */
export function checkSeal(bytes: Uint8Array, opening: Uint8Array, key: string): void {
  const at = opening.length;
  const isSealed = bytes.length >= at + sealBytes && opening.every((byte, index) => byte === bytes[index]);
  if (!isSealed) {
    const found = "one that was truncated, damaged or written by another program";
    throw corruptObject(key, "an object sealed by Stampede", found);
  }
  const found = new TextDecoder("latin1").decode(bytes.subarray(at, at + sealBytes));
  const expected = sealOf(bytes, at);
  if (found !== expected) {
    throw corruptObject(
      key,
      `the CRC-32 ${JSON.stringify(found)}`,
      `${JSON.stringify(expected)}: the object is truncated or damaged`,
    );
  }
}

function sealOf(bytes: Uint8Array, at: number): string {
  const before = crc32(emptySealBytes, crc32(bytes.subarray(0, at)));
  return toHex(crc32(bytes.subarray(at + sealBytes), before));
}

/** CRC-32 of a text in 8 hex digits. */
export function crc32Hex(text: string): string {
  return toHex(crc32(text));
}

function toHex(sum: number): string {
  return sum.toString(16).padStart(sealBytes, "0");
}
