import { sizeOf } from "@stampede/core";
import type { Graph, Node } from "../ir/types.js";

/**
 * Floating-point operations of matrix products and convolutions: two for each multiplication that is added up. The body of a Scan counts
 * as often as its last input has rows.
 */
export function flopsOf({ nodes }: Graph): number {
  return nodes.reduce((sum, node) => sum + ofNode(node), 0);
}

function ofNode(node: Node): number {
  const { op, inputs, outputs, attributes, body } = node;
  if (body !== undefined) return flopsOf(body) * stepsOf(node);
  const [a, b] = inputs;
  const [result] = outputs;
  if (a === undefined || b === undefined || result === undefined) return 0;
  switch (op) {
    case "Gemm":
    case "FusedGemm":
      return 2 * sizeOf(result.shape) * (a.shape[attributes["transA"] === 1 ? 0 : 1] ?? 1);
    case "MatMul":
    case "FusedMatMul":
      return 2 * sizeOf(result.shape) * (a.shape.at(attributes["transA"] === 1 ? -2 : -1) ?? 1);
    case "Conv":
      return 2 * sizeOf(result.shape) * sizeOf(b.shape.slice(1));
    case "ConvTranspose":
      return 2 * sizeOf(a.shape) * sizeOf(b.shape.slice(1));
    default:
      return 0;
  }
}

/** How often a Scan's body is run: once for each element of what it goes through. */
function stepsOf({ inputs, attributes }: Node): number {
  const count = attributes["num_scan_inputs"];
  const first = typeof count === "number" ? inputs.at(-count) : undefined;
  return first?.shape[0] ?? 1;
}
