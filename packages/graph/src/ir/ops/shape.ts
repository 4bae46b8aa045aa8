import { sizeOf } from "@stampede/core";
import type { GraphBuilder } from "../builder.js";
import { isConstant, isSameShape, producerOf, type Shape, type Value } from "../types.js";

export function reshape(g: GraphBuilder, x: Value, shape: Shape): Value {
  if (isSameShape(x.shape, shape)) return x;
  if (sizeOf(x.shape) !== sizeOf(shape)) {
    throw new RangeError(`Expected a shape of ${sizeOf(x.shape)} elements, found [${shape.join()}].`);
  }
  if (isConstant(x)) {
    const { data, isSplat } = x.source;
    return isSplat ? g.splat(data[0] ?? 0, x.dtype, shape) : g.constant(data, x.dtype, shape);
  }
  const before = producerOf(x, "Reshape")?.inputs[0];
  if (before !== undefined) return reshape(g, before, shape);
  // With allowzero a 0 is an empty dimension and not "as in the input".
  const attributes = shape.includes(0) ? { allowzero: 1 } : {};
  return g.node("Reshape", [x, g.integers(shape)], { dtype: x.dtype, shape }, { attributes });
}

export function transpose(g: GraphBuilder, x: Value, permutation: readonly number[]): Value {
  if (permutation.every((axis, index) => axis === index)) return x;
  const shape = permutation.map((axis) => x.shape[axis] ?? 1);
  // Where only dimensions of one element move, nothing moves in memory.
  const moving = permutation.filter((axis) => x.shape[axis] !== 1);
  if (moving.every((axis, index) => index === 0 || axis > (moving[index - 1] ?? 0))) return reshape(g, x, shape);
  const inner = producerOf(x, "Transpose");
  const before = inner?.inputs[0];
  const innerPermutation = inner?.attributes["perm"];
  if (before !== undefined && Array.isArray(innerPermutation)) {
    return transpose(
      g,
      before,
      permutation.map((axis) => Number(innerPermutation[axis])),
    );
  }
  return g.node("Transpose", [x], { dtype: x.dtype, shape }, { attributes: { perm: permutation } });
}

export function concat(g: GraphBuilder, values: readonly Value[], axis: number): Value {
  const [first] = values;
  if (first === undefined) throw new RangeError("Expected values to concatenate, found none.");
  const filled = values.filter((value) => value.shape[axis] !== 0);
  const [only] = filled;
  if (only === undefined) return first;
  if (filled.length === 1) return only;
  const extent = filled.reduce((sum, { shape }) => sum + (shape[axis] ?? 0), 0);
  const shape = only.shape.with(axis, extent);
  return g.node("Concat", filled, { dtype: first.dtype, shape }, { attributes: { axis } });
}

export interface SliceRange {
  readonly axis: number;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** @default 1; positive */
  readonly step?: number;
}

export function slice(g: GraphBuilder, x: Value, ranges: readonly SliceRange[]): Value {
  const shape = [...x.shape];
  const cutting = ranges.filter(({ axis, start, end, step = 1 }) => {
    shape[axis] = Math.max(0, Math.ceil((end - start) / step));
    return start !== 0 || step !== 1 || end !== x.shape[axis];
  });
  if (cutting.length === 0) return x;
  const vectors = [
    cutting.map(({ start }) => start),
    cutting.map(({ end }) => end),
    cutting.map(({ axis }) => axis),
    cutting.map(({ step = 1 }) => step),
  ].map((values) => g.integers(values));
  return g.node("Slice", [x, ...vectors], { dtype: x.dtype, shape });
}

/** Reverses the order along axes. */
export function reverse(g: GraphBuilder, x: Value, axes: readonly number[]): Value {
  const moving = axes.filter((axis) => (x.shape[axis] ?? 0) > 1);
  if (moving.length === 0) return x;
  // From the last element down to "before the first", which ONNX writes as any number below -extent.
  const beforeFirst = -2_147_483_648;
  const vectors = [moving.map(() => -1), moving.map(() => beforeFirst), moving, moving.map(() => -1)];
  return g.node("Slice", [x, ...vectors.map((values) => g.integers(values))], { dtype: x.dtype, shape: x.shape });
}

/** @param amounts elements to add before and after, for each axis */
export function pad(g: GraphBuilder, x: Value, amounts: readonly (readonly [number, number])[], value = 0): Value {
  if (amounts.every(([before, after]) => before === 0 && after === 0)) return x;
  const shape = x.shape.map((extent, axis) => extent + (amounts[axis]?.[0] ?? 0) + (amounts[axis]?.[1] ?? 0));
  const pads = g.integers([...amounts.map(([before]) => before), ...amounts.map(([, after]) => after)]);
  return g.node(
    "Pad",
    [x, pads, g.scalar(value, x.dtype)],
    { dtype: x.dtype, shape },
    { attributes: { mode: "constant" } },
  );
}

/** Repeats along dimensions of one element until the value has the shape. */
export function expand(g: GraphBuilder, x: Value, shape: Shape): Value {
  if (isSameShape(x.shape, shape)) return x;
  return g.node("Expand", [x, g.integers(shape)], { dtype: x.dtype, shape });
}

/** Cuts along an axis into parts of the given sizes. */
export function split(g: GraphBuilder, x: Value, sizes: readonly number[], axis: number): readonly Value[] {
  if (sizes.length === 1) return [x];
  const results = sizes.map((size) => ({ dtype: x.dtype, shape: x.shape.with(axis, size) }));
  return g.emit("Split", [x, g.integers(sizes)], results, { attributes: { axis } });
}

/** Slices along `axis`, one for each of the whole numbers in `indices` (int32 or int64). */
export function gather(g: GraphBuilder, x: Value, indices: Value, axis: number): Value {
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return g.node("Gather", [x, indices], { dtype: x.dtype, shape }, { attributes: { axis } });
}
