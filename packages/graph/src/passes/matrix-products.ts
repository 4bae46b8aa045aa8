import { sizeOf } from "@stampede/core";
import { mul } from "../ir/ops/elementwise.js";
import { reshape } from "../ir/ops/shape.js";
import { isSameShape, producerOf, type Node, type Value } from "../ir/types.js";
import type { Rule, RuleContext } from "./rewrite.js";

/** Gemm(a, b) + c is Gemm(a, b, c), also where the product was reshaped first: a bias, or a sum with the last step's gradient. */
export const addIntoProduct: Rule = (node, inputs, context) => {
  if (node.op !== "Add") return undefined;
  for (const at of [0, 1]) {
    const product = inputs[at];
    const term = inputs[1 - at];
    if (product === undefined || term === undefined || !isUsedOnce(context, node.inputs[at], "Reshape")) continue;
    const sum = withTerm(context, product, term, node.outputs[0]);
    if (sum !== undefined) return [sum];
  }
  return undefined;
};

/** Whether a value of the old graph, and the one that an operation `through` made it of, have no other use. */
function isUsedOnce({ uses }: RuleContext, old: Value | undefined, through: "Reshape" | "Mul"): boolean {
  if (uses(old) !== 1) return false;
  const inner = producerOf(old, through)?.inputs ?? [];
  return inner.every((value) => producerOf(value, "Gemm") === undefined || uses(value) === 1);
}

function withTerm({ g }: RuleContext, product: Value, term: Value, result: Value | undefined): Value | undefined {
  const reshaped = producerOf(product, "Reshape");
  const matrix = reshaped === undefined ? product : reshaped.inputs[0];
  const gemm = plainProduct(matrix);
  if (gemm === undefined || matrix === undefined || result === undefined || !isSameShape(result.shape, product.shape)) {
    return undefined;
  }
  // Behind a Reshape only a bias keeps its meaning.
  const isBias = term.shape.length === 1 && term.shape[0] === matrix.shape[1];
  const isMatrix = reshaped === undefined && isSameShape(term.shape, matrix.shape);
  if (!isBias && !isMatrix) return undefined;
  const [a, b] = gemm.inputs;
  const sum = g.node(
    "Gemm",
    [a, b, term],
    { dtype: matrix.dtype, shape: matrix.shape },
    { attributes: gemm.attributes },
  );
  return reshape(g, sum, result.shape);
}

/**
 * w + s * Gemm(a, b) with a number s is Gemm(a, s * b, w): the step of plain gradient descent without a pass over the weights. The
 * smaller factor is scaled.
 */
export const updateInProduct: Rule = (node, inputs, context) => {
  if (node.op !== "Add") return undefined;
  for (const at of [0, 1]) {
    const weight = inputs[1 - at];
    const scaled = producerOf(inputs[at], "Mul");
    if (weight === undefined || scaled === undefined || !isUsedOnce(context, node.inputs[at], "Mul")) continue;
    const updated = update(context, node, scaled, weight);
    if (updated !== undefined) return [updated];
  }
  return undefined;
};

function update({ g }: RuleContext, node: Node, scaled: Node, weight: Value): Value | undefined {
  for (const at of [0, 1]) {
    const scale = scaled.inputs[1 - at];
    const product = scaled.inputs[at];
    const gemm = plainProduct(product);
    const [a, b] = gemm?.inputs ?? [];
    if (gemm === undefined || a === undefined || b === undefined || product === undefined) continue;
    if (scale === undefined || sizeOf(scale.shape) !== 1 || !isSameShape(weight.shape, product.shape)) continue;
    if (!isSameShape(node.outputs[0]?.shape ?? [], product.shape)) continue;
    const factors = sizeOf(a.shape) < sizeOf(b.shape) ? [mul(g, a, scale), b] : [a, mul(g, b, scale)];
    const result = { dtype: weight.dtype, shape: weight.shape };
    return g.node("Gemm", [...factors, weight], result, { attributes: gemm.attributes });
  }
  return undefined;
}

/** A Gemm to whose result nothing is added yet. */
function plainProduct(value: Value | undefined): Node | undefined {
  const gemm = producerOf(value, "Gemm");
  return gemm?.inputs.length === 2 ? gemm : undefined;
}
