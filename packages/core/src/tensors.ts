/** Element types that Stampede stores and sends, by their safetensors names in `safetensors.ts`. */
export interface TypedArrays {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly int8: Int8Array;
  readonly uint8: Uint8Array;
  readonly int16: Int16Array;
  readonly uint16: Uint16Array;
  readonly int32: Int32Array;
}
export type DType = keyof TypedArrays;
export type NumericArray = TypedArrays[DType];

export const dtypes = [
  "float32",
  "float64",
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
] as const satisfies readonly DType[];

/** A dense, row-major tensor. `data.length` is the product of `shape` (1 for a scalar, shape `[]`). */
export type Tensor = {
  readonly [D in DType]: { readonly dtype: D; readonly shape: readonly number[]; readonly data: TypedArrays[D] };
}[DType];

/** Tensors by name, in a fixed order: that of insertion. */
export type NamedTensors = ReadonlyMap<string, Tensor>;

export const bytesPerElement = {
  float32: 4,
  float64: 8,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
} as const satisfies Record<DType, number>;

/** The number of elements of a shape; 1 for `[]`. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** A typed array of the given dtype over `count` elements of a buffer. `byteOffset` must be a multiple of the element size. */
export function viewOf<D extends DType>(
  dtype: D,
  buffer: ArrayBufferLike,
  byteOffset: number,
  count: number,
): TypedArrays[D];
export function viewOf(dtype: DType, buffer: ArrayBufferLike, byteOffset: number, count: number): NumericArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(buffer, byteOffset, count);
    case "float64":
      return new Float64Array(buffer, byteOffset, count);
    case "int8":
      return new Int8Array(buffer, byteOffset, count);
    case "uint8":
      return new Uint8Array(buffer, byteOffset, count);
    case "int16":
      return new Int16Array(buffer, byteOffset, count);
    case "uint16":
      return new Uint16Array(buffer, byteOffset, count);
    case "int32":
      return new Int32Array(buffer, byteOffset, count);
  }
}

/** Pairs a typed array with its shape; the dtype follows from the array. */
export function tensorOf(data: NumericArray, shape: readonly number[]): Tensor {
  if (data instanceof Float32Array) return { dtype: "float32", shape, data };
  if (data instanceof Float64Array) return { dtype: "float64", shape, data };
  if (data instanceof Int8Array) return { dtype: "int8", shape, data };
  if (data instanceof Uint8Array) return { dtype: "uint8", shape, data };
  if (data instanceof Int16Array) return { dtype: "int16", shape, data };
  if (data instanceof Uint16Array) return { dtype: "uint16", shape, data };
  return { dtype: "int32", shape, data };
}
