import { GraphBuilder, type ValueNumbers } from "../ir/builder.js";
import type { Graph, Node, Value } from "../ir/types.js";
import { removeDeadCode } from "./dead-code.js";

export interface RuleContext {
  /** Builds the new graph. */
  readonly g: GraphBuilder;
  /**
   * How often a value of the old graph is used, by nodes, bodies and as an output. Inside of a body, what comes from outside of it counts
   * as used by others: to make it again would be to make it in every step.
   */
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

/** Makes a new graph node by node, bodies too; equal nodes become one. Inputs and constants stay the same values. */
export function rewrite(graph: Graph, numbers: ValueNumbers, rule: Rule): Graph {
  return new Rewriter(rule, countUses(graph)).rewrite(graph, new GraphBuilder(numbers));
}

class Rewriter {
  readonly #rule: Rule;
  readonly #counts: ReadonlyMap<Value, number>;
  readonly #replaced = new Map<Value, Value>();

  constructor(rule: Rule, counts: ReadonlyMap<Value, number>) {
    this.#rule = rule;
    this.#counts = counts;
  }

  rewrite(graph: Graph, g: GraphBuilder, isBody = false): Graph {
    for (const { name, value } of graph.inputs) g.adoptInput(name, value);
    const own = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
    const uses = (old: Value | undefined): number => {
      if (old === undefined) return 0;
      return isBody && !own.has(old) ? Infinity : (this.#counts.get(old) ?? 0);
    };
    for (const node of graph.nodes) {
      const inputs = node.inputs.map((value) => value && this.#renewed(value));
      g.origin = node.origin;
      const results = this.#rule(node, inputs, { g, uses }) ?? this.#again(g, node, inputs);
      for (const [index, old] of node.outputs.entries()) {
        const result = results[index];
        if (result !== undefined) this.#replaced.set(old, result);
      }
    }
    return g.finish(graph.outputs.map(({ name, value }) => ({ name, value: this.#renewed(value) })));
  }

  #renewed(value: Value): Value {
    return this.#replaced.get(value) ?? value;
  }

  #again(g: GraphBuilder, node: Node, inputs: readonly (Value | undefined)[]): readonly Value[] {
    const { op, domain, attributes, body, outputs } = node;
    if (body === undefined) return g.emit(op, inputs, outputs, { attributes, domain });
    const inner = removeDeadCode(this.rewrite(body, g.inner(), true));
    g.origin = node.origin;
    return g.emit(op, inputs, outputs, { attributes, domain, body: inner });
  }
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
