import type { Graph, Node, Value } from "../ir/types.js";

/** The graph without nodes whose results nobody uses. */
export function removeDeadCode(graph: Graph): Graph {
  const live = new Set<Value>(graph.outputs.map(({ value }) => value));
  const kept: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((value) => live.has(value))) continue;
    kept.push(node);
    for (const value of valuesUsedBy(node)) live.add(value);
  }
  return { ...graph, nodes: kept.toReversed() };
}

/** A node's inputs and what its body captures. */
export function valuesUsedBy(node: Node): readonly Value[] {
  const inputs = node.inputs.filter((value) => value !== undefined);
  if (node.body === undefined) return inputs;
  return [...inputs, ...node.body.nodes.flatMap(valuesUsedBy), ...node.body.outputs.map(({ value }) => value)];
}
