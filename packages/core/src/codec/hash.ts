import { createHash } from "node:crypto";
import type { NamedTensors } from "../tensors.js";

/** SHA-256 in hex. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * SHA-256, in hex, of what tensors are, however they are stored. Of each tensor in the order of insertion: the JSON text
 * `[name,dtype,shape]`, a line feed, the little-endian data.
 */
export function hashTensors(tensors: NamedTensors): string {
  const hash = createHash("sha256");
  for (const [name, { dtype, shape, data }] of tensors) {
    hash.update(`${JSON.stringify([name, dtype, shape])}\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}
