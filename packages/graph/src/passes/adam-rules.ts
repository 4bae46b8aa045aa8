import { sizeOf } from "@stampede/core";
import { add, div, mul, unary } from "../ir/ops/elementwise.js";
import { reshape } from "../ir/ops/shape.js";
import { isSameShape, producerOf, type Value } from "../ir/types.js";
import type { Rule } from "./rewrite.js";

/**
 * Adam's step, rate * (m / c) / (sqrt(v / d) + e) with numbers c and d, is (rate * sqrt(d) / c) * m / (sqrt(v) + e * sqrt(d)): two
 * divisions of all elements fewer.
 */
export const correctionOfMoments: Rule = (node, inputs, { g }) => {
  if (node.op !== "Mul") return undefined;
  for (const at of [0, 1]) {
    const rate = inputs[1 - at];
    const step = producerOf(inputs[at], "Div");
    const first = quotient(step?.inputs[0]);
    const [root, epsilon] = producerOf(step?.inputs[1], "Add")?.inputs ?? [];
    const second = quotient(producerOf(root, "Sqrt")?.inputs[0]);
    if (first === undefined || second === undefined || !isNumber(rate) || !isNumber(epsilon)) continue;
    if (!isSameShape(first.x.shape, second.x.shape) || sizeOf(first.x.shape) === 1) continue;
    const correction = unary(g, "Sqrt", number(second.by));
    const divisor = add(g, unary(g, "Sqrt", second.x), mul(g, number(epsilon), correction));
    const scale = div(g, mul(g, number(rate), correction), number(first.by));
    return [mul(g, div(g, first.x, divisor), scale)];
  }
  return undefined;

  function number(value: Value): Value {
    return reshape(g, value, []);
  }
};

interface Quotient {
  readonly x: Value;
  readonly by: Value;
}

/** A division of all elements by a number. */
function quotient(value: Value | undefined): Quotient | undefined {
  const [x, by] = producerOf(value, "Div")?.inputs ?? [];
  return x === undefined || !isNumber(by) ? undefined : { x, by };
}

function isNumber(value: Value | undefined): value is Value {
  return value !== undefined && sizeOf(value.shape) === 1;
}
