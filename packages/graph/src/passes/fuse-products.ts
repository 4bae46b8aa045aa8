import { transpose } from "../ir/ops/shape.js";
import { isSameShape, producerOf, splatOf, type Attributes, type Node, type Value } from "../ir/types.js";
import type { Rule, RuleContext } from "./rewrite.js";

/** onnxruntime's own operators, in every build of it. */
const domain = "com.microsoft";

/**
 * Products of many matrices take a transposed operand and a factor as they are. onnxruntime would find the plain cases itself, but takes
 * longer to open a graph with that search than with all the rest.
 */
export const fuseOperands: Rule = ({ op, outputs }, [a, b], { g }) => {
  const [result] = outputs;
  if (op !== "MatMul" || a?.dtype !== "float32" || b === undefined || result === undefined) return undefined;
  // Two matrices are a Gemm; the few products of them that are not want what they are given turned round first.
  if (result.shape.length === 2) return undefined;
  const [left, right] = [operand(g, a), operand(g, b)];
  const alpha = left.factor * right.factor;
  if (alpha === 1 && !left.isTransposed && !right.isTransposed) return undefined;
  const attributes: Attributes = {
    ...(left.isTransposed && { transA: 1 }),
    ...(right.isTransposed && { transB: 1 }),
    ...(alpha !== 1 && { alpha: { float: Math.fround(alpha) } }),
  };
  return [g.node("FusedMatMul", [left.x, right.x], result, { domain, attributes })];
};

interface Operand {
  readonly x: Value;
  readonly isTransposed: boolean;
  readonly factor: number;
}

function operand(g: RuleContext["g"], value: Value): Operand {
  const { x, factor } = withoutFactor(value);
  const node = producerOf(x, "Transpose");
  const before = node?.inputs[0];
  const permutation = node?.attributes["perm"];
  if (before !== undefined && Array.isArray(permutation)) {
    const inner = withoutFactor(before);
    const axes = permutation.map(Number);
    const last = axes.length - 1;
    // What is left of it keeps neighbours together, and is often there already: the gradient needs it as well.
    const rest = [...axes.slice(0, -2), axes[last] ?? 0, axes[last - 1] ?? 0];
    if (rest[last] === last) {
      return { x: transpose(g, inner.x, rest), isTransposed: true, factor: factor * inner.factor };
    }
  }
  return { x, isTransposed: false, factor };
}

function withoutFactor(value: Value): { readonly x: Value; readonly factor: number } {
  const factors = producerOf(value, "Mul")?.inputs ?? [];
  for (const at of [0, 1]) {
    const [x, factor] = [factors[at], splatOf(factors[1 - at])];
    if (x !== undefined && factor !== undefined && isSameShape(x.shape, value.shape)) return { x, factor };
  }
  return { x: value, factor: 1 };
}

/** A product times a number, where nobody else uses it. */
export const fuseFactor: Rule = (node, inputs, { g, uses }) => {
  const [result] = node.outputs;
  if (node.op !== "Mul" || result === undefined) return undefined;
  for (const at of [0, 1]) {
    const product = producerOf(inputs[at], "MatMul", "FusedMatMul");
    const factor = splatOf(inputs[1 - at]);
    if (product === undefined || factor === undefined || uses(node.inputs[at]) !== 1) continue;
    if (inputs[at]?.dtype !== "float32" || !isSameShape(inputs[at].shape, result.shape)) continue;
    const alpha = Math.fround(alphaOf(product) * factor);
    const attributes = { ...product.attributes, alpha: { float: alpha } };
    return [g.node("FusedMatMul", product.inputs, result, { domain, attributes })];
  }
  return undefined;
};

function alphaOf({ attributes }: Node): number {
  const { alpha } = attributes;
  return typeof alpha === "object" && "float" in alpha ? alpha.float : 1;
}

/** The relu of a product that nobody else uses is taken while it is written. */
export const fuseRelu: Rule = (node, [x], { g, uses }) => {
  const [result] = node.outputs;
  const gemm = producerOf(x, "Gemm");
  if (node.op !== "Relu" || gemm === undefined || result === undefined || uses(node.inputs[0]) !== 1) return undefined;
  return [g.node("FusedGemm", gemm.inputs, result, { domain, attributes: { ...gemm.attributes, activation: "Relu" } })];
};
