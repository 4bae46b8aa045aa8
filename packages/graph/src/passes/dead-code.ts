import type { Graph, Node, Value } from "../ir/types.js";

/** The graph without nodes whose results nobody uses. */
export function removeDeadCode(graph: Graph): Graph {
  return {
    ...graph,
    nodes: liveNodes(
      graph.nodes,
      graph.outputs.map(({ value }) => value),
    ),
  };
}

/** Those of `nodes` that some values are made of, in their order. */
export function liveNodes(nodes: readonly Node[], values: readonly Value[]): readonly Node[] {
  const live = new Set<Value>(values);
  const kept: Node[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((value) => live.has(value))) continue;
    kept.push(node);
    for (const value of valuesUsedBy(node)) live.add(value);
  }
  return kept.toReversed();
}

/** A node's inputs and what its body captures. */
export function valuesUsedBy(node: Node): readonly Value[] {
  const inputs = node.inputs.filter((value) => value !== undefined);
  if (node.body === undefined) return inputs;
  return [...inputs, ...node.body.nodes.flatMap(valuesUsedBy), ...node.body.outputs.map(({ value }) => value)];
}
