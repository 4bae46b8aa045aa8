import { bytesPerElement, tensorOf, viewOf, type DType, type NumericArray } from "@stampede/core";
import type { Scratch } from "../scratch.js";
import type { SourceArray, SourceDType } from "../sources/source.js";

/** Numbers as they are stored: float64 becomes float32, integers wider than 32 bits become int32. */
export function naturalStorage(dtype: SourceDType): DType {
  switch (dtype) {
    case "float64":
      return "float32";
    case "uint32":
    case "int64":
    case "uint64":
      return "int32";
    case "float32":
    case "int8":
    case "uint8":
    case "int16":
    case "uint16":
    case "int32":
      return dtype;
  }
}

/** The first element that is not an ordinary number; -1 when all are. */
export function firstNonFinite(values: NumericArray): number {
  if (!(values instanceof Float32Array || values instanceof Float64Array)) return -1;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? 0;
    // x - x is 0 for every number but NaN and the infinities.
    if (value - value !== 0) return at;
  }
  return -1;
}

/** 64-bit integers (and unsigned 32-bit ones) as int32; the index of the first that does not fit instead of an array. */
export function narrow(values: SourceArray): NumericArray | number {
  if (values instanceof Uint32Array) {
    const outside = values.findIndex((value) => value > 0x7fff_ffff);
    return outside < 0 ? Int32Array.from(values) : outside;
  }
  if (!(values instanceof BigInt64Array || values instanceof BigUint64Array)) return values;
  const narrowed = new Int32Array(values.length);
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? 0n;
    narrowed[at] = Number(value);
    if (BigInt(narrowed[at] ?? 0) !== value) return at;
  }
  return narrowed;
}

/**
 * The values in another element type; the caller has made sure that they fit.
 *
 * @param scratch holds the result where it is not the same array
 */
export function convert(values: NumericArray, storage: DType, scratch: Scratch): NumericArray {
  const { length } = values;
  if (tensorOf(values, [length]).dtype === storage) return values;
  const { buffer } = scratch.take(length * bytesPerElement[storage]);
  const converted = viewOf(storage, buffer, 0, length);
  converted.set(values);
  return converted;
}
