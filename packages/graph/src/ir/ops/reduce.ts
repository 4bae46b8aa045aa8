import { sizeOf } from "@stampede/core";
import type { GraphBuilder } from "../builder.js";
import type { Shape, Value } from "../types.js";
import { reshape } from "./shape.js";

type Reduction = "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1";

function reducedShape(shape: Shape, axes: readonly number[], keepDims: boolean): Shape {
  return shape.flatMap((extent, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [extent]));
}

/**
 * Over no elements at all the result is what tfjs makes of it: 0 for a sum or mean, 1 for a product, NaN for an extremum (0 of int32).
 * @param axes not negative
 */
export function reduce(g: GraphBuilder, op: Reduction, x: Value, axes: readonly number[], keepDims: boolean): Value {
  const shape = reducedShape(x.shape, axes, keepDims);
  if (axes.every((axis) => x.shape[axis] === 1)) return reshape(g, x, shape);
  if (sizeOf(x.shape) === 0) return g.splat(ofNothing(op), x.dtype, shape);
  const result = { dtype: x.dtype, shape };
  const keepdims = keepDims ? 1 : 0;
  // In opset 17 only ReduceSum takes its axes as an input.
  if (op === "ReduceSum") return g.node(op, [x, g.integers(axes)], result, { attributes: { keepdims } });
  return g.node(op, [x], result, { attributes: { axes, keepdims } });
}

function ofNothing(op: Reduction): number {
  if (op === "ReduceProd") return 1;
  return op === "ReduceMax" || op === "ReduceMin" ? Number.NaN : 0;
}
