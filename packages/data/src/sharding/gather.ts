import { bytesPerElement, type DType, type NumericArray } from "@stampede/core";
import type { Scratch } from "../scratch.js";

/** Rows this wide are copied by `set`, narrower ones word by word: below that the call costs more than the copy. */
const wideRowBytes = 512;

/** The rows of `values` (row-major, `width` values each) in the given order, as bytes in `scratch`. */
export function gatherRows(
  values: NumericArray,
  { dtype, width }: { readonly dtype: DType; readonly width: number },
  order: Uint32Array,
  scratch: Scratch,
): Uint8Array {
  const rowBytes = width * bytesPerElement[dtype];
  const from = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const into = scratch.take(order.length * rowBytes);
  if (rowBytes >= wideRowBytes) {
    for (let index = 0; index < order.length; index++) {
      const row = order[index] ?? 0;
      into.set(from.subarray(row * rowBytes, (row + 1) * rowBytes), index * rowBytes);
    }
  } else if (rowBytes % 4 === 0 && from.byteOffset % 4 === 0) {
    copyRows(words(from), rowBytes / 4, order, words(into));
  } else {
    copyRows(from, rowBytes, order, into);
  }
  return into;
}

function words({ buffer, byteOffset, byteLength }: Uint8Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}

function copyRows<T extends Uint8Array | Uint32Array>(from: T, width: number, order: Uint32Array, into: T): void {
  let at = 0;
  for (let index = 0; index < order.length; index++) {
    const base = (order[index] ?? 0) * width;
    for (let element = 0; element < width; element++) into[at++] = from[base + element] ?? 0;
  }
}
