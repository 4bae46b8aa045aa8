import { onnxTypes } from "../../format/data-types.js";
import type { GraphBuilder } from "../builder.js";
import { expand } from "./shape.js";
import {
  isSameShape,
  producerOf,
  splatOf,
  type Attributes,
  type GraphDType,
  type Shape,
  type Value,
} from "../types.js";

type Arithmetic = "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Max" | "Min" | "Mod";
type Comparison = "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual";
type Logical = "And" | "Or" | "Xor";

/** The shape that two shapes are stretched to, by the rules of NumPy that tfjs and ONNX share. */
export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[a.length - rank + axis] ?? 1;
    const right = b[b.length - rank + axis] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new RangeError(`Expected shapes that broadcast, found [${a.join()}] and [${b.join()}].`);
    }
    return left === 1 ? right : left;
  });
}

export function unary(g: GraphBuilder, op: string, x: Value, attributes: Attributes = {}): Value {
  return g.node(op, [x], { dtype: x.dtype, shape: x.shape }, { attributes });
}

export function arithmetic(g: GraphBuilder, op: Arithmetic, a: Value, b: Value, attributes: Attributes = {}): Value {
  const shape = broadcastShape(a.shape, b.shape);
  const [left, right] = operands(g, a, b, shape);
  return neutral(g, op, left, right, shape) ?? g.node(op, [left, right], { dtype: a.dtype, shape }, { attributes });
}

export const add = (g: GraphBuilder, a: Value, b: Value): Value => arithmetic(g, "Add", a, b);
export const sub = (g: GraphBuilder, a: Value, b: Value): Value => arithmetic(g, "Sub", a, b);
export const mul = (g: GraphBuilder, a: Value, b: Value): Value => arithmetic(g, "Mul", a, b);
export const div = (g: GraphBuilder, a: Value, b: Value): Value => arithmetic(g, "Div", a, b);

export const absolute = (g: GraphBuilder, x: Value): Value => unary(g, "Abs", x);

/** The sum of values of one shape. */
export function sum(g: GraphBuilder, values: readonly Value[]): Value {
  // ONNX' Sum is for floating-point numbers only.
  if (values[0]?.dtype === "int32") return values.reduce((total, value) => add(g, total, value));
  return variadic(g, "Sum", values);
}

/** The largest of values of one shape, element by element; NaN where one of them is. */
export function largest(g: GraphBuilder, values: readonly Value[]): Value {
  return variadic(g, "Max", values);
}

function variadic(g: GraphBuilder, op: "Sum" | "Max", values: readonly Value[]): Value {
  const [first] = values;
  if (first === undefined) throw new RangeError(`Expected values for ${op}, found none.`);
  return values.length === 1 ? first : g.node(op, values, { dtype: first.dtype, shape: first.shape });
}

export function compare(g: GraphBuilder, op: Comparison | Logical, a: Value, b: Value): Value {
  const shape = broadcastShape(a.shape, b.shape);
  return g.node(op, operands(g, a, b, shape), { dtype: "bool", shape });
}

export function not(g: GraphBuilder, x: Value): Value {
  return g.node("Not", [x], { dtype: "bool", shape: x.shape });
}

export function isNan(g: GraphBuilder, x: Value): Value {
  return g.node("IsNaN", [x], { dtype: "bool", shape: x.shape });
}

/** Elements of `yes` where `condition` (bool) is true, else of `no`; all three broadcast. */
export function where(g: GraphBuilder, condition: Value, yes: Value, no: Value): Value {
  const shape = broadcastShape(condition.shape, broadcastShape(yes.shape, no.shape));
  const lighter = (value: Value): Value => (isSameShape(condition.shape, shape) ? scalarOf(g, value) : value);
  return g.node("Where", [condition, lighter(yes), lighter(no)], { dtype: yes.dtype, shape });
}

export function cast(g: GraphBuilder, x: Value, dtype: GraphDType): Value {
  if (x.dtype === dtype) return x;
  const value = splatOf(x);
  if (value !== undefined && dtype === "float32") return g.splat(value, dtype, x.shape);
  return g.node("Cast", [x], { dtype, shape: x.shape }, { attributes: { to: onnxTypes[dtype] } });
}

/** Cuts off fractions. Where `x` has no int32 (NaN, infinity, too large a number) it is 0, which processors disagree on. */
export function toInt32(g: GraphBuilder, x: Value): Value {
  const isWithin = compare(g, "Less", absolute(g, x), g.scalar(2 ** 31, x.dtype));
  return cast(g, where(g, isWithin, x, g.scalar(0, x.dtype)), "int32");
}

/** Both bounds inclusive. */
export function clip(g: GraphBuilder, x: Value, min: number, max: number): Value {
  if (min === -Infinity && max === Infinity) return x;
  const [low, high] = x.dtype === "float32" ? [min, max] : [Math.max(min, -(2 ** 31)), Math.min(max, 2 ** 31 - 1)];
  return g.node("Clip", [x, g.scalar(low, x.dtype), g.scalar(high, x.dtype)], { dtype: x.dtype, shape: x.shape });
}

/** What stands for two values in an operation that broadcasts by itself; one of them keeps the full shape if one has it. */
function operands(g: GraphBuilder, a: Value, b: Value, shape: Shape): readonly [Value, Value] {
  const left = operand(g, a, b, shape);
  return [left, operand(g, b, left, shape)];
}

/** What stands for `value` beside `other` in an operation of shape `shape` that broadcasts by itself. */
function operand(g: GraphBuilder, value: Value, other: Value, shape: Shape): Value {
  if (!isSameShape(other.shape, shape)) return value;
  const inner = producerOf(value, "Expand")?.inputs[0];
  if (inner !== undefined && producerOf(other, "Expand") === undefined) return inner;
  return scalarOf(g, value);
}

function scalarOf(g: GraphBuilder, value: Value): Value {
  const number = splatOf(value);
  return number === undefined || value.shape.length === 0 ? value : g.scalar(number, value.dtype);
}

/** x + 0, x - 0, x * 1 and x / 1 are x, perhaps stretched. (x * 0 is not 0 where x is not finite.) */
function neutral(g: GraphBuilder, op: Arithmetic, a: Value, b: Value, shape: Shape): Value | undefined {
  const right = splatOf(b);
  const left = splatOf(a);
  if (right === 0 && (op === "Add" || op === "Sub")) return expand(g, a, shape);
  if (right === 1 && (op === "Mul" || op === "Div")) return expand(g, a, shape);
  if (left === 0 && op === "Add") return expand(g, b, shape);
  if (left === 1 && op === "Mul") return expand(g, b, shape);
  return undefined;
}
