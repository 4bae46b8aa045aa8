import { createHash } from "node:crypto";
import type { NamedTensors, NumericArray, Tensor } from "../tensors.js";

/** SHA-256 in hex. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * SHA-256, in hex, of what tensors are, however they are stored. Of each tensor in the order of insertion: the JSON text
 * `[name,dtype,shape]`, a line feed, the little-endian data.
 */
export function hashTensors(tensors: NamedTensors): string {
  const hash = new TensorHash();
  for (const [name, tensor] of tensors) {
    hash.begin(name, tensor);
    hash.add(tensor.data);
  }
  return hash.hex();
}

/** `hashTensors` of tensors of which never more than a part is in memory. */
export class TensorHash {
  readonly #hash = createHash("sha256");

  /** The tensor that the next numbers belong to. */
  begin(name: string, { dtype, shape }: Pick<Tensor, "dtype" | "shape">): void {
    this.#hash.update(`${JSON.stringify([name, dtype, shape])}\n`);
  }

  add(data: NumericArray): void {
    this.#hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  /** Ends it. */
  hex(): string {
    return this.#hash.digest("hex");
  }
}
