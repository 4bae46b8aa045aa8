import { compare } from "../ir/ops/elementwise.js";
import { isConstant, isSameShape, elementsOf, producerOf, splatOf, type Node, type Value } from "../ir/types.js";
import type { Rule } from "./rewrite.js";

/**
 * The sum of a softmax over its axis is 1, within rounding. Keras' categorical crossentropy divides by it, and its gradient does so
 * four times more.
 */
export const sumOfSoftmax: Rule = (node, inputs, { g }) => {
  const [x] = inputs;
  const [result] = node.outputs;
  const softmax = producerOf(x, "Softmax");
  if (node.op !== "ReduceSum" || softmax === undefined || x === undefined || result === undefined) return undefined;
  if (!isOverAxis(node, inputs, softmax, x)) return undefined;
  return [g.splat(1, "float32", result.shape)];
};

function isOverAxis(sum: Node, inputs: readonly (Value | undefined)[], softmax: Node, x: Value): boolean {
  const axes = inputs[1];
  if (sum.op !== "ReduceSum" || !isConstant(axes)) return false;
  const [axis, ...others] = elementsOf(axes);
  return others.length === 0 && axis === softmax.attributes["axis"] && x.shape.length > 0;
}

/**
 * The gradient of a softmax p for dy is (dy - sum(dy * p)) * p; its next correction, for a dy that is of this form already, is zero:
 * X - sum(X) * p = X for X = (d - sum(d * p)) * p. tfjs makes it when a loss normalises a softmax once more.
 */
export const gradientOfNormalisedSoftmax: Rule = (node, inputs) => {
  if (node.op !== "Sub") return undefined;
  const [x, correction] = inputs;
  const factors = producerOf(correction, "Mul")?.inputs ?? [];
  for (const at of [0, 1]) {
    const p = factors[at];
    const sum = producerOf(factors[1 - at], "ReduceSum");
    const softmax = producerOf(p, "Softmax");
    if (p === undefined || x === undefined || sum?.inputs[0] !== x || softmax === undefined) continue;
    if (isOverAxis(sum, sum.inputs, softmax, p) && isCentred(x, p, softmax)) return [x];
  }
  return undefined;
};

/** Whether x = (d - sum(d * p)) * p. */
function isCentred(x: Value, p: Value, softmax: Node): boolean {
  const difference = otherFactor(x, p);
  const terms = producerOf(difference, "Add")?.inputs ?? [];
  return [0, 1].some((at) => {
    const d = terms[at];
    const negative = producerOf(terms[1 - at], "Neg")?.inputs[0];
    const sum = producerOf(withoutReshape(negative), "ReduceSum");
    if (d === undefined || sum === undefined) return false;
    return otherFactor(sum.inputs[0], p) === d && isOverAxis(sum, sum.inputs, softmax, p);
  });
}

function otherFactor(product: Value | undefined, factor: Value): Value | undefined {
  const [a, b] = producerOf(product, "Mul")?.inputs ?? [];
  return a === factor ? b : b === factor ? a : undefined;
}

function withoutReshape(value: Value | undefined): Value | undefined {
  const reshape = producerOf(value, "Reshape");
  return reshape === undefined ? value : reshape.inputs[0];
}

/** Where a number lies within the bounds of a Clip is where the Clip left it alone: one comparison instead of two and an And. */
export const clipMask: Rule = (node, inputs, { g }) => {
  if (node.op !== "And") return undefined;
  const [lower, upper] = [producerOf(inputs[0], "GreaterOrEqual"), producerOf(inputs[1], "LessOrEqual")];
  const [x, min] = lower?.inputs ?? [];
  const [y, max] = upper?.inputs ?? [];
  if (x === undefined || x !== y) return undefined;
  const clip = g.nodes.find(({ op, inputs: [value, low, high] }) => {
    return op === "Clip" && value === x && isSameNumber(low, min) && isSameNumber(high, max);
  });
  const clipped = clip?.outputs[0];
  return clipped === undefined || !isSameShape(clipped.shape, x.shape) ? undefined : [compare(g, "Equal", x, clipped)];
};

function isSameNumber(a: Value | undefined, b: Value | undefined): boolean {
  const number = splatOf(a);
  return number !== undefined && number === splatOf(b);
}
