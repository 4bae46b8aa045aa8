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

/** The same for every Scan in a graph, the innermost first: what is the same in all of their steps stands in front of them. */
export function hoistInside(graph: Graph): Graph {
  const nodes = graph.nodes.flatMap((node): readonly Node[] => {
    if (node.body === undefined) return [node];
    const inner = hoistInside(node.body);
    const { body, before } = hoist(inner, new Set(inner.inputs.map(({ value }) => value)));
    if (before.length === 0 && inner === node.body) return [node];
    return [...before, withBody(node, body)];
  });
  return nodes.length === graph.nodes.length && nodes.every((node, index) => node === graph.nodes[index])
    ? graph
    : { ...graph, nodes };
}

/** The same node with the same results; whoever looks for their producer finds the old one, which differs in its body alone. */
function withBody({ op, domain, inputs, outputs, attributes, origin }: Node, body: Graph): Node {
  return { op, domain, inputs, outputs, attributes, origin, body };
}
