import type { GraphBuilder } from "../builder.js";
import { producerOf, type Value } from "../types.js";
import { unary } from "./elementwise.js";

/**
 * 1 where x > 0, else 0, NaN where x is NaN: the mask of every relu's gradient. `x * alpha` clipped to 0..1 is that for all but the
 * smallest numbers (denormal ones below 3e-39), and they are large enough the second time. As fast as Greater and Cast, which forget
 * NaN.
 */
export function heaviside(g: GraphBuilder, x: Value): Value {
  const attributes = { alpha: { float: 3.4e38 }, beta: { float: 0 } };
  const mask = unary(g, "HardSigmoid", reluOf(g, x) ?? x, attributes);
  return unary(g, "HardSigmoid", mask, attributes);
}

/** The relu of x, where it was taken: it is alive anyway, so that x need not be. */
function reluOf(g: GraphBuilder, x: Value): Value | undefined {
  return g.nodes.find(({ op, inputs }) => op === "Relu" && inputs[0] === x)?.outputs[0];
}

/** The x of a `heaviside(x)`, where that is what a value is. */
export function argumentOfHeaviside(value: Value): Value | undefined {
  const inner = producerOf(value, "HardSigmoid")?.inputs[0];
  return producerOf(inner, "HardSigmoid")?.inputs[0];
}
