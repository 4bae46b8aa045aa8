import { sizeOf } from "@stampede/core";
import type { GraphBuilder } from "../builder.js";
import type { Value } from "../types.js";
import { broadcastShape } from "./elementwise.js";

/** The product of two matrices of float32, either of them transposed first. */
export function gemm(
  g: GraphBuilder,
  a: Value,
  b: Value,
  { transA = false, transB = false }: { readonly transA?: boolean; readonly transB?: boolean } = {},
): Value {
  const rows = a.shape[transA ? 1 : 0] ?? 0;
  const columns = b.shape[transB ? 0 : 1] ?? 0;
  // A sum of nothing, for which onnxruntime leaves memory as it was.
  if (a.shape[transA ? 0 : 1] === 0) return g.splat(0, a.dtype, [rows, columns]);
  const attributes = { ...(transA && { transA: 1 }), ...(transB && { transB: 1 }) };
  return g.node("Gemm", [a, b], { dtype: a.dtype, shape: [rows, columns] }, { attributes });
}

/** The product of the last two dimensions, for each element of the others, which broadcast. */
export function matMul(g: GraphBuilder, a: Value, b: Value): Value {
  const outer = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [...outer, a.shape.at(-2) ?? 1, b.shape.at(-1) ?? 1];
  // With empty operands onnxruntime does not always stretch the other one, nor fill a sum of nothing with zeros.
  if (a.shape.at(-1) === 0 || sizeOf(shape) === 0) return g.splat(0, a.dtype, shape);
  return g.node("MatMul", [a, b], { dtype: a.dtype, shape });
}
