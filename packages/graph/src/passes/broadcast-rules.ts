import { sizeOf } from "@stampede/core";
import { arithmetic, mul } from "../ir/ops/elementwise.js";
import { expand } from "../ir/ops/shape.js";
import { elementsOf, isConstant, isSameShape, producerOf, type Node, type Value } from "../ir/types.js";
import type { Rule } from "./rewrite.js";

/**
 * What tfjs makes of the gradient of a mean (and so of a normalisation over rows): a number of each row is stretched over the row and
 * then divided. Here it is divided first, and whoever computes with it stretches it as it goes.
 */
export const stretchLast: Rule = (node, inputs, { g }) => {
  const [a, b] = inputs;
  const [result] = node.outputs;
  const inner = producerOf(a, "Expand")?.inputs[0];
  if (inner === undefined || b === undefined || result === undefined || sizeOf(b.shape) !== 1) return undefined;
  if ((node.op !== "Mul" && node.op !== "Div") || b.shape.length > inner.shape.length) return undefined;
  return [expand(g, arithmetic(g, node.op, inner, b), result.shape)];
};

/** small * (large * number) is (small * number) * large. */
export const numberToSmaller: Rule = (node, inputs, { g }) => {
  const [result] = node.outputs;
  if (node.op !== "Mul" || result === undefined) return undefined;
  for (const at of [0, 1]) {
    const small = withoutExpand(inputs[at]);
    const [large, number] = producerOf(inputs[1 - at], "Mul")?.inputs ?? [];
    if (small === undefined || large === undefined || number === undefined) continue;
    const isSmaller = sizeOf(small.shape) < sizeOf(large.shape) && small.shape.length === large.shape.length;
    if (!isSmaller || sizeOf(number.shape) !== 1 || number.shape.length > small.shape.length) continue;
    if (isSameShape(large.shape, result.shape)) return [mul(g, mul(g, small, number), large)];
  }
  return undefined;
};

function withoutExpand(value: Value | undefined): Value | undefined {
  const node = producerOf(value, "Expand");
  return node === undefined ? value : node.inputs[0];
}

/**
 * What is left of numbers without their mean adds up to nothing, also when each row was multiplied by a number: half of what tfjs computes
 * for the gradient of a mean that is taken away.
 */
export const sumOfCentred: Rule = (node, inputs, { g }) => {
  const [x, axes] = inputs;
  const [result] = node.outputs;
  if (node.op !== "ReduceSum" || x === undefined || result === undefined || !isConstant(axes)) return undefined;
  const reduced = [...elementsOf(axes)];
  const factors = producerOf(x, "Mul")?.inputs ?? [];
  const isZero =
    isCentred(x, reduced) ||
    [0, 1].some((at) => isSameFor(factors[at], reduced, x) && isCentred(factors[1 - at], reduced));
  return isZero ? [g.splat(0, x.dtype, result.shape)] : undefined;
};

/** x - mean(x) */
function isCentred(value: Value | undefined, axes: readonly number[]): boolean {
  const [x, mean] = producerOf(value, "Sub")?.inputs ?? [];
  const reduction: Node | undefined = producerOf(mean, "ReduceMean");
  if (x === undefined || reduction?.inputs[0] !== x || reduction.attributes["keepdims"] !== 1) return false;
  const meanAxes = reduction.attributes["axes"];
  return isSameShape(value?.shape ?? [], x.shape) && Array.isArray(meanAxes) && meanAxes.join() === axes.join();
}

/** Whether a factor of `product` is one number along these axes. */
function isSameFor(factor: Value | undefined, axes: readonly number[], product: Value): boolean {
  return factor?.shape.length === product.shape.length && axes.every((axis) => factor.shape[axis] === 1);
}
