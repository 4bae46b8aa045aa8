import { sizeOf } from "@stampede/core";
import type { Graph, Node } from "../ir/types.js";

/** Floating-point operations of matrix products and convolutions: two for each multiplication that is added up. */
export function flopsOf({ nodes }: Graph): number {
  return nodes.reduce((sum, node) => sum + ofNode(node), 0);
}

function ofNode({ op, inputs, outputs, attributes, body }: Node): number {
  if (body !== undefined) return flopsOf(body);
  const [a, b] = inputs;
  const [result] = outputs;
  if (a === undefined || b === undefined || result === undefined) return 0;
  switch (op) {
    case "Gemm":
      return 2 * sizeOf(result.shape) * (a.shape[attributes["transA"] === 1 ? 0 : 1] ?? 1);
    case "MatMul":
      return 2 * sizeOf(result.shape) * (a.shape.at(-1) ?? 1);
    case "Conv":
      return 2 * sizeOf(result.shape) * sizeOf(b.shape.slice(1));
    case "ConvTranspose":
      return 2 * sizeOf(a.shape) * sizeOf(b.shape.slice(1));
    default:
      return 0;
  }
}
