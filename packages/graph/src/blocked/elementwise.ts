import { add, cast, div, mul, unary } from "../ir/ops/elementwise.js";
import { expand } from "../ir/ops/shape.js";
import { isSameShape, producerOf, type Value } from "../ir/types.js";
import {
  formOf,
  isBlocked,
  product,
  sumOf,
  tensorOf,
  tensorOfValue,
  total,
  valueOf,
  valueOfTensor,
  vectorOf,
  type Sum,
  type Term,
} from "./forms.js";
import type { Blocks } from "./operators.js";
import { maskedBeforeSpread, rememberMask } from "./pooled-masks.js";

interface TensorAndVector {
  readonly tensor: Value;
  readonly vector: Value;
  readonly isVectorFirst: boolean;
}

/** A value in blocks and a vector over its channels. */
function tensorAndVector(b: Blocks, x: Value, y: Value): TensorAndVector | undefined {
  for (const [tensor, other, isVectorFirst] of [
    [x, y, false],
    [y, x, true],
  ] as const) {
    if (!isBlocked(tensor) || isBlocked(other) || !stretchesTo(other, tensor)) continue;
    const vector = vectorOf(b, other, tensor.shape[3] ?? 0);
    if (vector !== undefined) return { tensor, vector, isVectorFirst };
  }
  return undefined;
}

/** The result has the shape of the tensor. */
function stretchesTo({ shape }: Value, tensor: Value): boolean {
  const offset = tensor.shape.length - shape.length;
  return offset >= 0 && shape.every((extent, axis) => extent === 1 || extent === tensor.shape[axis + offset]);
}

function areBlocked(x: Value, y: Value): boolean {
  return isSameShape(x.shape, y.shape) && x.shape.length === 4 && (isBlocked(x) || isBlocked(y)) && x.dtype === y.dtype;
}

export function blockedMul(b: Blocks, x: Value, y: Value): Value | undefined {
  const masked = maskedBeforeSpread(x, y);
  if (masked !== undefined) return masked;
  const pair = tensorAndVector(b, x, y);
  if (pair !== undefined) return scaled(b, pair.tensor, pair.vector);
  if (!areBlocked(x, y)) return undefined;
  const [left, right] = [sumOf(b, x), sumOf(b, y)];
  const { channels } = left;
  const [a, c] = [loneTerm(left), loneTerm(right)];
  if (a === undefined || c === undefined) {
    return valueOfTensor(b, mul(b.g, tensorOf(b, left), tensorOf(b, right)), channels);
  }
  // In one order, so that x * y and y * x are one product.
  const [first, second] = a.tensor.id <= c.tensor.id ? [a.tensor, c.tensor] : [c.tensor, a.tensor];
  const scale = product(b, a.scale, c.scale);
  return valueOf(b, { kind: "product", channels, x: first, y: second, scale }, x.shape);
}

function loneTerm({ terms, shift }: Sum): Term | undefined {
  return terms.length === 1 && shift === undefined ? terms[0] : undefined;
}

function scaled(b: Blocks, x: Value, factor: Value): Value {
  const form = formOf(b, x);
  if (form.kind === "product") return valueOf(b, { ...form, scale: product(b, form.scale, factor) }, x.shape);
  const terms = form.terms.map(({ tensor, scale }) => ({ tensor, scale: product(b, scale, factor) }));
  const shift = form.shift && mul(b.g, form.shift, factor);
  return valueOf(b, { ...form, terms, shift }, x.shape);
}

export function blockedDiv(b: Blocks, x: Value, y: Value): Value | undefined {
  const spread = producerOf(x, "Expand")?.inputs[0];
  // A mean's gradient: divided before it is spread.
  if (spread !== undefined && x.shape.length === 4 && !isBlocked(x) && y.shape.length === 0) {
    return expand(b.g, div(b.g, spread, cast(b.g, y, "float32")), x.shape);
  }
  const vector = isBlocked(x) && stretchesTo(y, x) ? vectorOf(b, y, x.shape[3] ?? 0) : undefined;
  return vector && scaled(b, x, unary(b.g, "Reciprocal", vector));
}

export function blockedAdd(b: Blocks, x: Value, y: Value): Value | undefined {
  const pair = tensorAndVector(b, x, y);
  if (pair !== undefined) {
    const form = sumOf(b, pair.tensor);
    return valueOf(b, { ...form, shift: total(b, form.shift, pair.vector) }, pair.tensor.shape);
  }
  return areBlocked(x, y) ? added(b, x, sumOf(b, y)) : undefined;
}

export function blockedSub(b: Blocks, x: Value, y: Value): Value | undefined {
  const pair = tensorAndVector(b, x, y);
  if (pair?.isVectorFirst === true) {
    const form = negative(b, sumOf(b, pair.tensor));
    return valueOf(b, { ...form, shift: total(b, pair.vector, form.shift) }, pair.tensor.shape);
  }
  if (pair !== undefined) return centred(b, pair.tensor, pair.vector);
  return areBlocked(x, y) ? added(b, x, negative(b, sumOf(b, y))) : undefined;
}

/**
 * x - vector, computed at once: the variance of a normalisation is the mean of its square, and taking it from the mean of x * x instead
 * would lose digits.
 */
export function centred(b: Blocks, x: Value, vector: Value): Value {
  const form = sumOf(b, x);
  const shifted = { ...form, shift: total(b, form.shift, unary(b.g, "Neg", vector)) };
  return valueOfTensor(b, tensorOf(b, shifted), form.channels);
}

function negative(b: Blocks, form: Sum): Sum {
  const terms = form.terms.map(({ tensor, scale }) => ({
    tensor,
    scale: scale === undefined ? b.g.scalar(-1) : unary(b.g, "Neg", scale),
  }));
  return { ...form, terms, shift: form.shift && unary(b.g, "Neg", form.shift) };
}

/** Terms of one tensor become one. */
function added(b: Blocks, x: Value, other: Sum): Value {
  const form = sumOf(b, x);
  const one = b.g.scalar(1);
  const terms = new Map(form.terms.map((term) => [term.tensor, term]));
  for (const { tensor, scale } of other.terms) {
    const known = terms.get(tensor);
    terms.set(tensor, { tensor, scale: known === undefined ? scale : add(b.g, known.scale ?? one, scale ?? one) });
  }
  return valueOf(b, { ...form, terms: [...terms.values()], shift: total(b, form.shift, other.shift) }, x.shape);
}

export function blockedAddAll(b: Blocks, values: readonly Value[]): Value | undefined {
  const [first, ...others] = values;
  if (first === undefined || others.length === 0 || !values.some(isBlocked)) return undefined;
  return others.reduce<Value | undefined>((sum, value) => sum && blockedAdd(b, sum, value), first);
}

export function blockedSquaredDifference(b: Blocks, x: Value, y: Value): Value | undefined {
  const difference = blockedSub(b, x, y);
  return difference && (blockedMul(b, difference, difference) ?? mul(b.g, difference, difference));
}

/** What was found to be the relu of a value, which is alive when its gradient is computed. */
const relus = new WeakMap<Value, Value>();

export function blockedRelu(b: Blocks, x: Value): Value | undefined {
  if (!isBlocked(x)) return undefined;
  const relu = tensorOf(b, formOf(b, x), "Relu");
  relus.set(x, relu);
  return valueOfTensor(b, relu, x.shape[3] ?? 0);
}

/**
 * 1 where x > 0, else 0, NaN where x is NaN; as `heaviside`, but in one pass over memory: sums of products that are denormal and not
 * zero, of which it would make a fraction, do not occur.
 */
export function blockedStep(b: Blocks, x: Value): Value | undefined {
  if (!isBlocked(x)) return undefined;
  const attributes = { alpha: { float: 3.4e38 }, beta: { float: 0 } };
  const of = relus.get(x) ?? tensorOfValue(b, x);
  const mask = valueOfTensor(b, unary(b.g, "HardSigmoid", of, attributes), x.shape[3] ?? 0);
  rememberMask(mask, of);
  return mask;
}

/** An operation of each element. In added channels there are zeros at first, of which it must make finite numbers. */
export function blockedUnary(
  b: Blocks,
  x: Value,
  op: string,
  attributes: Readonly<Record<string, { readonly float: number }>> = {},
): Value | undefined {
  if (!isBlocked(x)) return undefined;
  return valueOfTensor(b, unary(b.g, op, tensorOfValue(b, x), attributes), x.shape[3] ?? 0);
}
