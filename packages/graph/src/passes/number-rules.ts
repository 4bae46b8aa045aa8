import type { GraphBuilder } from "../ir/builder.js";
import { mul } from "../ir/ops/elementwise.js";
import { isSameShape, producerOf, splatOf, type Node, type Value } from "../ir/types.js";
import type { Rule, RuleContext } from "./rewrite.js";

/** A product of all elements with a constant. */
interface Scaled {
  readonly x: Value;
  readonly by: number;
}

/**
 * Constant factors are gathered at the end of a product, where they are one: (x * 0.5) * (y * 1.13) / 1.41 is (x * y) * 0.4. Gradients of
 * activations such as GELU are made of these products, and each factor is a pass over all elements.
 */
export const gatherNumbers: Rule = (node, inputs, context) => {
  const [a, b] = inputs;
  if (a?.dtype !== "float32" || node.outputs[0] === undefined) return undefined;
  switch (node.op) {
    case "Neg":
      return withNumber(context.g, scaledBy(a), -1);
    case "Div": {
      const number = splatOf(b);
      return number === undefined || number === 0 ? undefined : withNumber(context.g, scaledBy(a), 1 / number);
    }
    case "Mul": {
      const number = splatOf(b);
      if (number !== undefined) return withNumber(context.g, scaledBy(a), number);
      const first = splatOf(a);
      if (first !== undefined) return withNumber(context.g, scaledBy(b), first);
      return product(node, a, b, context);
    }
    default:
      return undefined;
  }
};

function withNumber(g: GraphBuilder, scaled: Scaled | undefined, by: number): readonly Value[] | undefined {
  return scaled && [mul(g, scaled.x, g.scalar(scaled.by * by))];
}

/** Of two tensors of one shape. */
function product(node: Node, a: Value, b: Value | undefined, { g, uses }: RuleContext): readonly Value[] | undefined {
  if (b === undefined || !isSameShape(a.shape, b.shape)) return undefined;
  const [left, right] = node.inputs;
  // One that others use as well is there anyway.
  const isOwn = (old: Value | undefined): boolean => uses(old) === (left === right ? 2 : 1);
  const first = isOwn(left) ? scaledBy(a) : undefined;
  const second = isOwn(right) ? scaledBy(b) : undefined;
  if (first === undefined && second === undefined) return undefined;
  const by = (first?.by ?? 1) * (second?.by ?? 1);
  return [mul(g, mul(g, first?.x ?? a, second?.x ?? b), g.scalar(by))];
}

function scaledBy(value: Value | undefined): Scaled | undefined {
  const factors = producerOf(value, "Mul")?.inputs ?? [];
  for (const at of [0, 1]) {
    const [x, by] = [factors[at], splatOf(factors[1 - at])];
    if (x !== undefined && by !== undefined && splatOf(x) === undefined && isSameShape(x.shape, value?.shape ?? [])) {
      return { x, by };
    }
  }
  return undefined;
}
