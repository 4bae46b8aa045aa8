import { add, mul } from "../ir/ops/elementwise.js";
import { gemm } from "../ir/ops/matmul.js";
import { reshape } from "../ir/ops/shape.js";
import { isSameShape, producerOf, type Value } from "../ir/types.js";
import type { ForwardPass } from "./forward.js";
import { columnsOf, partOfProduct, type PartOfProduct, type ReverseStep } from "./reverse-step.js";

/**
 * [steps, ...]: a value of all steps, for which no step waits. What can be done for all steps at once is done behind the Scan, above all
 * one product in place of many.
 */
export function eachStep(forward: ForwardPass, reverse: ReverseStep, value: Value): Value {
  return atOnce(forward, reverse, value) ?? reverse.sequence(value);
}

function atOnce(forward: ForwardPass, reverse: ReverseStep, value: Value): Value | undefined {
  const { g, steps } = forward;
  const shape = [steps, ...value.shape];
  const product = productOf(value);
  if (product !== undefined && reverse.isSteady(product.matrix) && !reverse.isSteady(product.rows)) {
    const rows = reverse.sequence(product.rows);
    const flat = reshape(g, rows, [steps * (rows.shape[1] ?? 0), rows.shape[2] ?? 0]);
    return reshape(g, gemm(g, flat, columnsOf(g, product), product), shape);
  }
  const node = producerOf(value, "Add", "Mul", "Reshape");
  const [a, b] = node?.inputs ?? [];
  if (node === undefined || a === undefined) return undefined;
  if (node.op === "Reshape") {
    const inner = atOnce(forward, reverse, a);
    return inner && reshape(g, inner, shape);
  }
  if (b === undefined || !isSameShape(a.shape, b.shape)) return undefined;
  if (node.op === "Add") {
    const [left, right] = [atOnce(forward, reverse, a), atOnce(forward, reverse, b)];
    return left && right && add(g, left, right);
  }
  const [x, steady] = reverse.isSteady(b) ? [a, b] : [b, a];
  const inner = reverse.isSteady(steady) ? atOnce(forward, reverse, x) : undefined;
  return inner && mul(g, inner, steady);
}

function productOf(value: Value): PartOfProduct | undefined {
  const part = partOfProduct(value);
  if (part !== undefined) return part;
  const product = producerOf(value, "Gemm");
  const [rows, matrix, more] = product?.inputs ?? [];
  if (rows === undefined || matrix === undefined || more !== undefined || product?.attributes["transA"] === 1) {
    return undefined;
  }
  const transB = product?.attributes["transB"] === 1;
  return { rows, matrix, transB, start: 0, end: value.shape[1] ?? 0 };
}
