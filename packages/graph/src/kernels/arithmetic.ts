import type { GraphBuilder } from "../ir/builder.js";
import {
  absolute,
  add,
  arithmetic,
  cast,
  compare,
  isNan,
  mul,
  not,
  sub,
  sum,
  toInt32,
  unary,
  where,
} from "../ir/ops/elementwise.js";
import { splatOf, type Value } from "../ir/types.js";
import { maskedWhileSmall } from "./pooled-gradients.js";
import { kernel, type KernelTable } from "../trace/kernel.js";

type Binary = (g: GraphBuilder, a: Value, b: Value) => Value;

const binary = (lower: Binary): KernelTable[string] => kernel(({ g, input }) => lower(g, input("a"), input("b")));

/** tfjs adds booleans to booleans that are neither true nor false. */
const numeric = (lower: Binary): KernelTable[string] =>
  binary((g, a, b) => {
    if (a.dtype === "bool") throw new Error("it computes with bool");
    return lower(g, a, b);
  });

/** Order is for numbers; to tfjs false is 0 and true is 1. */
const order = (op: "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual"): KernelTable[string] =>
  binary((g, a, b) => {
    const [left, right] = [a, b].map((value) => (value.dtype === "bool" ? cast(g, value, "int32") : value));
    return compare(g, op, left ?? a, right ?? b);
  });

/** JavaScript computes with float64, and so it must be here: whole numbers beyond 2^24 have no float32. */
function inDouble(g: GraphBuilder, a: Value, b: Value, lower: Binary): Value {
  return lower(g, cast(g, a, "float64"), cast(g, b, "float64"));
}

/** int32 whatever the operands are; 0 for what is no number. */
function floorDiv(g: GraphBuilder, a: Value, b: Value): Value {
  const quotient = inDouble(g, a, b, (_g, left, right) => unary(g, "Floor", arithmetic(g, "Div", left, right)));
  return toInt32(g, quotient);
}

/** The remainder has the sign of the divisor. */
function mod(g: GraphBuilder, a: Value, b: Value): Value {
  const remainder = inDouble(g, a, b, (_g, left, right) => {
    const zero = g.scalar(0, "float64");
    const plain = fmod(g, left, right);
    const [isLeftNegative, isRightNegative] = [compare(g, "Less", left, zero), compare(g, "Less", right, zero)];
    const isAlike = not(g, compare(g, "Xor", isLeftNegative, isRightNegative));
    return where(g, isAlike, plain, fmod(g, add(g, plain, right), right));
  });
  return a.dtype === "int32" ? toInt32(g, remainder) : cast(g, remainder, a.dtype);
}

/** As in C: the remainder has the sign of the dividend. */
function fmod(g: GraphBuilder, a: Value, b: Value): Value {
  return arithmetic(g, "Mod", a, b, { fmod: 1 });
}

function pow(g: GraphBuilder, base: Value, exponent: Value): Value {
  if (base.dtype === "int32") {
    const power = inDouble(g, base, exponent, (_g, left, right) => arithmetic(g, "Pow", left, right));
    return toInt32(g, power);
  }
  const power = arithmetic(g, "Pow", base, exponent);
  if (Number.isFinite(splatOf(exponent))) return power;
  // 1 and -1 to the power of infinity or NaN is NaN in JavaScript, and 1 in C.
  const isUnit = compare(g, "Equal", absolute(g, base), g.scalar(1));
  const isUnknown = not(g, compare(g, "Less", absolute(g, exponent), g.scalar(Infinity)));
  return where(g, compare(g, "And", isUnit, isUnknown), g.scalar(Number.NaN), power);
}

function squaredDifference(g: GraphBuilder, a: Value, b: Value): Value {
  const difference = sub(g, a, b);
  return mul(g, difference, difference);
}

/** The angle of the point (x, y). The sign of a zero is not looked at. */
function atan2(g: GraphBuilder, y: Value, x: Value): Value {
  if (y.dtype !== "float32") throw new Error(`it computes with ${y.dtype}`);
  const zero = g.scalar(0);
  const [height, width] = [absolute(g, y), absolute(g, x)];
  const steep = unary(g, "Atan", arithmetic(g, "Div", height, width));
  const isDiagonal = compare(g, "And", infinite(g, height), infinite(g, width));
  const isFlat = compare(g, "And", compare(g, "Equal", height, zero), not(g, isNan(g, width)));
  const first = where(g, isDiagonal, g.scalar(Math.PI / 4), where(g, isFlat, zero, steep));
  const upper = where(g, compare(g, "Less", x, zero), sub(g, g.scalar(Math.PI), first), first);
  return where(g, compare(g, "Less", y, zero), unary(g, "Neg", upper), upper);
}

function infinite(g: GraphBuilder, x: Value): Value {
  return compare(g, "Equal", x, g.scalar(Infinity));
}

/** Arithmetic and comparison of two tensors. */
export const arithmeticKernels: KernelTable = {
  Add: numeric(add),
  Sub: numeric(sub),
  Multiply: numeric((g, a, b) => maskedWhileSmall(a, b) ?? mul(g, a, b)),
  RealDiv: numeric((g, a, b) => arithmetic(g, "Div", cast(g, a, "float32"), cast(g, b, "float32"))),
  FloorDiv: numeric(floorDiv),
  Mod: numeric(mod),
  Maximum: numeric((g, a, b) => arithmetic(g, "Max", a, b)),
  Minimum: numeric((g, a, b) => arithmetic(g, "Min", a, b)),
  Pow: numeric(pow),
  Atan2: binary(atan2),
  SquaredDifference: numeric(squaredDifference),
  AddN: kernel(({ g, list }) => sum(g, list)),
  Equal: binary((g, a, b) => compare(g, "Equal", a, b)),
  NotEqual: binary((g, a, b) => not(g, compare(g, "Equal", a, b))),
  Greater: order("Greater"),
  GreaterEqual: order("GreaterOrEqual"),
  Less: order("Less"),
  LessEqual: order("LessOrEqual"),
  LogicalAnd: binary((g, a, b) => compare(g, "And", a, b)),
  LogicalOr: binary((g, a, b) => compare(g, "Or", a, b)),
  LogicalNot: kernel(({ g, input }) => not(g, input("x"))),
};
