import type { Graph, Node, Value } from "../ir/types.js";
import { valuesUsedBy } from "./dead-code.js";

/**
 * Takes out of a Scan's body what is the same in every step.
 * @param changing the body's inputs: everything that differs between steps comes from them
 * @returns the rest of the body, and the nodes that belong in front of the Scan
 */
export function hoist(
  body: Graph,
  changing: ReadonlySet<Value>,
): { readonly body: Graph; readonly before: readonly Node[] } {
  const varying = new Set(changing);
  const before: Node[] = [];
  const inside: Node[] = [];
  for (const node of body.nodes) {
    const isVarying = valuesUsedBy(node).some((value) => varying.has(value));
    (isVarying ? inside : before).push(node);
    if (isVarying) for (const value of node.outputs) varying.add(value);
  }
  return { body: { ...body, nodes: inside }, before };
}
