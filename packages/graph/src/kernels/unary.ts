import type * as Tf from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "../ir/builder.js";
import { absolute, add, cast, clip, compare, div, mul, sub, toInt32, unary, where } from "../ir/ops/elementwise.js";
import type { Value } from "../ir/types.js";
import { kernel, type KernelTable } from "../trace/kernel.js";

type Lower = (g: GraphBuilder, x: Value) => Value;

const one = (lower: Lower): KernelTable[string] => kernel(({ g, input }) => lower(g, input("x")));

/** Of float32 only: for int32 tfjs cuts off the fraction of the result, which nobody can want. */
const float = (lower: Lower): KernelTable[string] =>
  one((g, x) => {
    if (x.dtype !== "float32") throw new Error(`it computes with ${x.dtype}`);
    return lower(g, x);
  });

const sameName = (...ops: readonly string[]): KernelTable =>
  Object.fromEntries(ops.map((op) => [op, float((g, x) => unary(g, op, x))]));

/**
 * log(1 + x), accurate near 0 too: the logarithm of the rounded u = 1 + x, and what rounding took away, (x - (u - 1)) / u. From 1 on
 * that is nothing (and is not a number where u is infinite).
 */
function log1p(g: GraphBuilder, x: Value): Value {
  const unit = g.scalar(1);
  const u = add(g, x, unit);
  const logarithm = unary(g, "Log", u);
  const lost = div(g, sub(g, x, sub(g, u, unit)), u);
  return where(g, compare(g, "Less", absolute(g, x), unit), add(g, logarithm, lost), logarithm);
}

/** exp(x) - 1, accurate near 0 too: tanh(x / 2) * (exp(x) + 1). */
function expm1(g: GraphBuilder, x: Value): Value {
  const half = unary(g, "Tanh", mul(g, x, g.scalar(0.5)));
  return mul(g, half, add(g, unary(g, "Exp", x), g.scalar(1)));
}

/** 1, -1, or 0 where x is 0 or NaN. */
function sign(g: GraphBuilder, x: Value): Value {
  const zero = g.scalar(0, x.dtype);
  return sub(g, cast(g, compare(g, "Greater", x, zero), x.dtype), cast(g, compare(g, "Less", x, zero), x.dtype));
}

/** Of whole numbers none is special. */
function special(op: "IsNaN" | "IsInf"): KernelTable[string] {
  return one((g, x) =>
    x.dtype === "float32" ? g.node(op, [x], { dtype: "bool", shape: x.shape }) : g.splat(0, "bool", x.shape),
  );
}

function isFinite(g: GraphBuilder, x: Value): Value {
  if (x.dtype !== "float32") return g.splat(1, "bool", x.shape);
  return compare(g, "Less", absolute(g, x), g.scalar(Infinity));
}

function castAsTfjs(g: GraphBuilder, x: Value, dtype: Tf.DataType): Value {
  if (dtype === "int32" && x.dtype === "float32") return toInt32(g, x);
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return cast(g, x, dtype);
  throw new Error(`it casts to ${dtype}`);
}

/** Functions of single elements. */
export const unaryKernels: KernelTable = {
  ...sameName("Floor", "Ceil", "Log", "Sqrt", "Reciprocal", "Erf"),
  ...sameName("Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Tanh", "Asinh", "Acosh", "Atanh"),
  Identity: one((_g, x) => x),
  Abs: one(absolute),
  Neg: one((g, x) => unary(g, "Neg", x)),
  Sign: one(sign),
  Round: one((g, x) => (x.dtype === "float32" ? unary(g, "Round", x) : x)),
  Square: one((g, x) => mul(g, x, x)),
  Exp: one((g, x) => unary(g, "Exp", cast(g, x, "float32"))),
  Rsqrt: float((g, x) => unary(g, "Reciprocal", unary(g, "Sqrt", x))),
  Log1p: float(log1p),
  Expm1: float(expm1),
  IsNan: special("IsNaN"),
  IsInf: special("IsInf"),
  IsFinite: one(isFinite),
  ClipByValue: kernel<Tf.ClipByValueAttrs>(({ g, attrs, input }) =>
    clip(g, input("x"), attrs.clipValueMin, attrs.clipValueMax),
  ),
  Cast: kernel<Tf.CastAttrs>(({ g, attrs, input }) => castAsTfjs(g, input("x"), attrs.dtype)),
};
