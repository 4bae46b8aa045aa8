import { sizeOf } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "../ir/builder.js";
import { cast, isNan, mul, where } from "../ir/ops/elementwise.js";
import { reduce } from "../ir/ops/reduce.js";
import { pad, reverse, slice } from "../ir/ops/shape.js";
import { producerOf, type Value } from "../ir/types.js";
import { loadCore } from "../tfjs.js";
import { sumOfPooled } from "./pooled-gradients.js";
import { kernel, type KernelTable } from "../trace/kernel.js";

type Op = Parameters<typeof reduce>[1];
interface Attributes {
  readonly axis?: number | number[] | null;
  readonly reductionIndices?: number | number[];
  readonly keepDims?: boolean;
}

/** Axes as tfjs resolves them: all of them where none are given. */
export function axesOf(axis: number | number[] | null | undefined, x: Value): readonly number[] {
  const all = x.shape.map((_, index) => index);
  return axis === undefined || axis === null ? all : loadCore().util.parseAxisParam(axis, [...x.shape]);
}

function reduction(op: Op, prepare: (g: GraphBuilder, x: Value) => Value): KernelTable[string] {
  return kernel<Attributes>(({ g, attrs, input }) => {
    const x = prepare(g, input("x"));
    return reduce(g, op, x, axesOf(attrs.axis, x), attrs.keepDims === true);
  });
}

/** NaN where there is one. (onnxruntime's maximum and minimum see a NaN only where it comes first; a sum of magnitudes always does.) */
function extremum(op: "ReduceMax" | "ReduceMin"): KernelTable[string] {
  return kernel<Attributes>(({ g, attrs, input }) => {
    const given = input("x");
    const x = given.dtype === "bool" ? cast(g, given, "int32") : given;
    const axes = axesOf(attrs.axis ?? attrs.reductionIndices, x);
    const keepDims = attrs.keepDims === true;
    const found = reduce(g, op, x, axes, keepDims);
    if (x.dtype !== "float32" || producerOf(found, op) === undefined) return cast(g, found, given.dtype);
    const total = reduce(g, "ReduceL1", x, axes, keepDims);
    return where(g, isNan(g, total), total, found);
  });
}

/** Booleans count as 0 and 1. */
function numbers(g: GraphBuilder, x: Value): Value {
  return x.dtype === "bool" ? cast(g, x, "int32") : x;
}

/** Each element times all before it: in steps of 1, 2, 4, ... elements, of which each doubles how many are taken together. */
function cumulativeProduct(g: GraphBuilder, x: Value, axis: number, attrs: Tf.CumprodAttrs): Value {
  const extent = x.shape[axis] ?? 0;
  const ordered = attrs.reverse ? reverse(g, x, [axis]) : x;
  let product = attrs.exclusive ? delayed(g, ordered, axis, 1) : ordered;
  for (let step = 1; step < extent; step *= 2) product = mul(g, product, delayed(g, product, axis, step));
  return attrs.reverse ? reverse(g, product, [axis]) : product;
}

/** Every element moved to a later place, with ones in front. */
function delayed(g: GraphBuilder, x: Value, axis: number, by: number): Value {
  const extent = x.shape[axis] ?? 0;
  const amounts = x.shape.map((_, index): [number, number] => [index === axis ? Math.min(by, extent) : 0, 0]);
  return pad(g, slice(g, x, [{ axis, start: 0, end: Math.max(0, extent - by) }]), amounts, 1);
}

/** Over booleans, as 0 and 1. */
function quantifier(op: "ReduceMin" | "ReduceMax"): KernelTable[string] {
  return kernel<Attributes>(({ g, attrs, input }) => {
    const x = cast(g, input("x"), "int32");
    return cast(g, reduce(g, op, x, axesOf(attrs.axis, x), attrs.keepDims === true), "bool");
  });
}

function argument(op: "ArgMax" | "ArgMin"): KernelTable[string] {
  return kernel<{ readonly axis: number }>(({ g, attrs, input }) => {
    const x = numbers(g, input("x"));
    const [axis = 0] = axesOf(attrs.axis, x);
    const shape = x.shape.filter((_, index) => index !== axis);
    if (sizeOf(x.shape) === 0) return g.splat(0, "int32", shape);
    const found = g.node(op, [x], { dtype: "int64", shape }, { attributes: { axis, keepdims: 0 } });
    return cast(g, found, "int32");
  });
}

/** The k largest along the last dimension, from the largest on, and where they were. Of equal ones the first comes first. */
function topK(g: GraphBuilder, x: Value, k: number): readonly Value[] {
  const shape = [...x.shape.slice(0, -1), k];
  const types = [
    { dtype: x.dtype, shape },
    { dtype: "int64", shape },
  ] as const;
  const attributes = { axis: x.shape.length - 1, largest: 1, sorted: 1 };
  const [values, places] = g.emit("TopK", [x, g.integers([k])], types, { attributes });
  return values === undefined || places === undefined ? [] : [values, cast(g, places, "int32")];
}

/** From many elements to one along axes. */
export const reductionKernels: KernelTable = {
  Sum: kernel<Attributes>(({ g, attrs, input }) => {
    const x = numbers(g, input("x"));
    const axes = axesOf(attrs.axis, x);
    const keepDims = attrs.keepDims === true;
    return sumOfPooled(g, x, axes, keepDims) ?? reduce(g, "ReduceSum", x, axes, keepDims);
  }),
  Mean: reduction("ReduceMean", (g, x) => cast(g, x, "float32")),
  Prod: reduction("ReduceProd", numbers),
  Max: extremum("ReduceMax"),
  Min: extremum("ReduceMin"),
  All: quantifier("ReduceMin"),
  Any: quantifier("ReduceMax"),
  ArgMax: argument("ArgMax"),
  ArgMin: argument("ArgMin"),
  TopK: kernel<Tf.TopKAttrs>(({ g, attrs, input }) => topK(g, numbers(g, input("x")), attrs.k)),
  Cumsum: kernel<Tf.CumsumAttrs>(({ g, attrs, input }) => {
    const x = numbers(g, input("x"));
    const attributes = { exclusive: attrs.exclusive ? 1 : 0, reverse: attrs.reverse ? 1 : 0 };
    return g.node("CumSum", [x, g.scalar(attrs.axis, "int64")], { dtype: x.dtype, shape: x.shape }, { attributes });
  }),
  Cumprod: kernel<Tf.CumprodAttrs>(({ g, attrs, input }) => {
    const x = numbers(g, input("x"));
    const [axis = 0] = axesOf(attrs.axis, x);
    return cumulativeProduct(g, x, axis, attrs);
  }),
};
