import { producerOf, type Node } from "../ir/types.js";

/** Nodes that are connected by the values they pass to one another. */
export class Components {
  readonly #nodes: readonly Node[];
  /** From a node towards the one that stands for its component. */
  readonly #parents = new Map<Node, Node>();

  /** @param nodes each after those whose values it uses */
  constructor(nodes: readonly Node[]) {
    this.#nodes = nodes;
    const known = new Set(nodes);
    for (const node of nodes) {
      for (const value of node.inputs) {
        const maker = producerOf(value);
        if (maker !== undefined && known.has(maker)) this.#parents.set(this.#root(node), this.#root(maker));
      }
    }
  }

  /** In the order of their first nodes; nodes in the order given. */
  lists(): readonly (readonly Node[])[] {
    const components = new Map<Node, Node[]>();
    for (const node of this.#nodes) {
      const root = this.#root(node);
      const known = components.get(root);
      if (known === undefined) components.set(root, [node]);
      else known.push(node);
    }
    return [...components.values()];
  }

  #root(node: Node): Node {
    let at = node;
    for (let next = this.#parents.get(at); next !== undefined && next !== at; next = this.#parents.get(at)) at = next;
    return at;
  }
}
