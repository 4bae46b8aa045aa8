import { fc } from "@fast-check/vitest";
import {
  bytesPerElement,
  dtypes,
  sizeOf,
  tensorOf,
  viewOf,
  type DType,
  type NamedTensors,
  type Tensor,
} from "@stampede/core";

const shape = fc.array(fc.nat({ max: 4 }), { maxLength: 3 });

/** Tensors of all dtypes with any bits: NaN payloads, infinities, -0; also empty and 0-dimensional ones. */
const anyTensor: fc.Arbitrary<Tensor> = fc.tuple(fc.constantFrom(...dtypes), shape).chain(([dtype, extents]) => {
  const count = sizeOf(extents);
  const length = count * bytesPerElement[dtype];
  return fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((bytes) => tensorOf(viewOf(dtype, bytes.slice().buffer, 0, count), extents));
});

const name = fc.oneof(
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.constantFrom("__proto__", "0", "10", "constructor", "a/b", '"'),
);

export const anyTensors: fc.Arbitrary<NamedTensors> = fc
  .uniqueArray(fc.tuple(name, anyTensor), { maxLength: 6, selector: ([key]) => key })
  .map((entries) => new Map(entries.filter(([key]) => key !== "__metadata__")));

/** Everything there is to know about tensors, with values as bytes, so that NaN payloads and -0 count. */
export function factsOf(tensors: NamedTensors): TensorFacts[] {
  return [...tensors].map(([key, { dtype, shape: extents, data }]) => {
    const bytes = [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];
    return { name: key, dtype, shape: [...extents], bytes };
  });
}

interface TensorFacts {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: readonly number[];
}
