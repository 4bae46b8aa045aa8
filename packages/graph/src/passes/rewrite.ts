import { GraphBuilder, type ValueNumbers } from "../ir/builder.js";
import type { Graph, Node, Value } from "../ir/types.js";

export interface RuleContext {
  /** Builds the new graph. */
  readonly g: GraphBuilder;
  /** How often a value of the old graph is used, by nodes, bodies and as an output. */
  readonly uses: (old: Value | undefined) => number;
}

/**
 * What takes a node's place, or undefined to keep it.
 * @param node of the old graph
 * @param inputs its inputs in the new graph, where producers can be looked at
 */
export type Rule = (
  node: Node,
  inputs: readonly (Value | undefined)[],
  context: RuleContext,
) => readonly Value[] | undefined;

/** Makes a new graph node by node; equal nodes become one. Inputs and constants stay the same values. */
export function rewrite(graph: Graph, numbers: ValueNumbers, rule: Rule): Graph {
  const g = new GraphBuilder(numbers);
  for (const { name, value } of graph.inputs) g.adoptInput(name, value);
  const replaced = new Map<Value, Value>();
  const renewed = (value: Value): Value => replaced.get(value) ?? value;
  const counts = countUses(graph);
  const context: RuleContext = { g, uses: (old) => (old === undefined ? 0 : (counts.get(old) ?? 0)) };
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((value) => value && renewed(value));
    g.origin = node.origin;
    const results = rule(node, inputs, context) ?? again(g, node, inputs);
    for (const [index, old] of node.outputs.entries()) {
      const result = results[index];
      if (result !== undefined) replaced.set(old, result);
    }
  }
  return g.finish(graph.outputs.map(({ name, value }) => ({ name, value: renewed(value) })));
}

function again(g: GraphBuilder, node: Node, inputs: readonly (Value | undefined)[]): readonly Value[] {
  const { op, domain, attributes, body, outputs } = node;
  return g.emit(op, inputs, outputs, { attributes, domain, ...(body && { body }) });
}

function countUses({ nodes, outputs }: Graph): ReadonlyMap<Value, number> {
  const counts = new Map<Value, number>();
  const use = (value: Value | undefined): void => {
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  };
  const visit = (node: Node): void => {
    node.inputs.forEach(use);
    node.body?.nodes.forEach(visit);
    node.body?.outputs.forEach(({ value }) => use(value));
  };
  nodes.forEach(visit);
  outputs.forEach(({ value }) => use(value));
  return counts;
}
