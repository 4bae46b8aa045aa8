import { fc } from "@fast-check/vitest";
import type { Given } from "./traced.js";

/** Quarters between -4 and 4: their sums and products are exact in float32, so that results can be compared bit for bit. */
export const quarters = fc.integer({ min: -16, max: 16 }).map((value) => value / 4);

/** Numbers of a size that networks have, rounded in float32. */
export const usual = fc.integer({ min: -8000, max: 8000 }).map((value) => Math.fround(value / 1000));

/** Few different numbers, so that many are equal. */
export const few = fc.constantFrom(-1, 0, 0.5, 2);

/** Where functions of single numbers go wrong. */
const special = fc.constantFrom(
  ...[
    [Number.NaN, Infinity, -Infinity, 0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -1.5, -2.5, 3, -3, 7, -7, 20, -20, 100, -100],
    [1e-8, -1e-8, 1e-4, -1e-4, 1e-30, -1e-30, 3e38, -3e38, 88.5, -88.5, 0.999_999_9, -0.999_999_9],
  ]
    .flat()
    .map(Math.fround),
);

export const anyNumber = fc.oneof(usual, special, fc.float({ min: -8, max: 8, noNaN: true }));

export const integers = fc.integer({ min: -9, max: 9 });

/** Dimensions of tensors: scalars, ordinary ones, and now and then an empty one. */
export function shapes({ minRank = 0, maxRank = 4, maxExtent = 4, empty = true } = {}): fc.Arbitrary<number[]> {
  const extent = empty
    ? fc.oneof(
        { weight: 12, arbitrary: fc.integer({ min: 1, max: maxExtent }) },
        { weight: 1, arbitrary: fc.constant(0) },
      )
    : fc.integer({ min: 1, max: maxExtent });
  return fc.array(extent, { minLength: minRank, maxLength: maxRank });
}

/** A tensor of this shape. */
export function tensors(
  shape: readonly number[],
  element: fc.Arbitrary<number> = quarters,
  dtype: Given["dtype"] = "float32",
): fc.Arbitrary<Given> {
  const length = shape.reduce((product, extent) => product * extent, 1);
  return fc.array(element, { minLength: length, maxLength: length }).map((values) => ({ dtype, shape, values }));
}

/** A tensor of any shape. */
export function anyTensor(
  element: fc.Arbitrary<number> = quarters,
  dtype: Given["dtype"] = "float32",
  constraints: Parameters<typeof shapes>[0] = {},
): fc.Arbitrary<Given> {
  return shapes(constraints).chain((shape) => tensors(shape, element, dtype));
}

export const booleans = fc.integer({ min: 0, max: 1 });

/** Two shapes that broadcast to a third one: each lacks some of its first dimensions, and has 1 in place of others. */
export function broadcastShapes({ empty = true } = {}): fc.Arbitrary<readonly [number[], number[]]> {
  return shapes({ maxRank: 4, maxExtent: 3, empty }).chain((shape) => fc.tuple(narrowed(shape), narrowed(shape)));
}

function narrowed(shape: readonly number[]): fc.Arbitrary<number[]> {
  const choices = fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length });
  return fc
    .tuple(choices, fc.integer({ min: 0, max: shape.length }))
    .map(([isOne, from]) => shape.map((extent, axis) => (isOne[axis] === true ? 1 : extent)).slice(from));
}

/** One of a tensor's dimensions, counted from either end. */
export function axes(rank: number): fc.Arbitrary<number> {
  return fc.integer({ min: -rank, max: rank - 1 });
}

/** Some of them, in order. */
export function axisSubsets(rank: number): fc.Arbitrary<number[]> {
  return fc.subarray(Array.from({ length: rank }, (_, axis) => axis));
}
