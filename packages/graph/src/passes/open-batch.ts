import { GraphBuilder } from "../ir/builder.js";
import {
  elementsOf,
  isConstant,
  isSameShape,
  splatOf,
  type Constant,
  type Graph,
  type Node,
  type Port,
  type Value,
} from "../ir/types.js";
import type { ValueNumbers } from "../ir/builder.js";
import { untraceable } from "../trace/untraceable.js";
import { hoistInside } from "./hoist.js";

/** The same model traced with two batch sizes. */
export interface TwoSizes {
  readonly graph: Graph;
  readonly size: number;
  /** The same graph for `otherSize`. */
  readonly other: Graph;
  readonly otherSize: number;
}

/**
 * One graph for batches of any size, from two traces with different sizes: wherever a constant differs between them it must be a shape
 * or an index that grows evenly with the batch (a + k * rows), and is then computed from the batch at hand.
 *
 * @param rows a graph input whose first dimension is the batch
 * @throws StampedeError `model.not-traceable` where the batch size is used in another way
 */
export function openBatch(sizes: TwoSizes, rows: Value, numbers: ValueNumbers): Graph {
  return hoistInside(new Opener(new GraphBuilder(numbers), sizes, rows).open(sizes.graph, sizes.other));
}

class Opener {
  readonly #g: GraphBuilder;
  readonly #sizes: Pick<TwoSizes, "size" | "otherSize">;
  readonly #rows: Value;
  /** By values of the first graph, for bodies with what they capture. */
  readonly #renewed: Map<Value, Value>;

  constructor(
    g: GraphBuilder,
    sizes: Pick<TwoSizes, "size" | "otherSize">,
    rows: Value,
    renewed = new Map<Value, Value>(),
  ) {
    this.#g = g;
    this.#sizes = sizes;
    this.#rows = rows;
    this.#renewed = renewed;
  }

  open(graph: Graph, other: Graph): Graph {
    if (graph.nodes.length !== other.nodes.length) throw dependsOnSize("a model whose structure changes with it");
    for (const { name, value } of graph.inputs) this.#g.adoptInput(name, value);
    for (const [index, node] of graph.nodes.entries()) {
      const twin = other.nodes[index];
      if (twin !== undefined) this.#add(node, twin);
    }
    return this.#g.finish(this.#outputs(graph.outputs, other.outputs));
  }

  #add(node: Node, twin: Node): void {
    const { op, domain, attributes, origin, outputs } = node;
    const isTwin = twin.op === op && JSON.stringify(twin.attributes) === JSON.stringify(attributes);
    if (!isTwin || twin.inputs.length !== node.inputs.length) throw dependsOnSize(`the operation ${origin || op}`);
    const body = node.body && twin.body && this.#body(node.body, twin.body);
    this.#g.origin = origin;
    const inputs = node.inputs.map((value, at) => {
      const counterpart = twin.inputs[at];
      return value === undefined || counterpart === undefined ? undefined : this.#input(node, value, counterpart, at);
    });
    this.#g.origin = origin;
    const results = this.#g.emit(op, inputs, outputs, { attributes, domain, ...(body && { body }) });
    for (const [index, old] of outputs.entries()) {
      const result = results[index];
      if (result !== undefined) this.#renewed.set(old, result);
    }
  }

  #body(body: Graph, twin: Graph): Graph {
    return new Opener(this.#g.inner(), this.#sizes, this.#rows, this.#renewed).open(body, twin);
  }

  #outputs(ports: readonly Port[], twins: readonly Port[]): readonly Port[] {
    return ports.map(({ name, value }, index) => {
      const twin = twins[index]?.value;
      if (isConstant(value) && !(isConstant(twin) && isSameShape(value.shape, twin.shape))) {
        throw dependsOnSize("an output that is a constant");
      }
      return { name, value: this.#renewed.get(value) ?? value };
    });
  }

  #input(node: Node, value: Value, twin: Value, at: number): Value {
    if (!isConstant(value)) return this.#renewed.get(value) ?? value;
    if (!isConstant(twin)) throw dependsOnSize(`an input of ${node.origin || node.op}`);
    if (isEqual(value, twin)) return value;
    const { dtype, shape } = value;
    const isIndex = dtype === "int64" && shape.length === 1 && isSameShape(shape, twin.shape);
    if (isIndex) return this.#vector(node, value, twin, at);
    const number = splatOf(value);
    if (number === undefined || !Object.is(number, splatOf(twin)) || twin.shape.length !== shape.length) {
      throw dependsOnSize(`a constant of ${node.origin || node.op}`);
    }
    const extents = this.#evenly(node, shape, twin.shape);
    return this.#g.node("Expand", [this.#g.scalar(number, dtype), extents], { dtype, shape });
  }

  /** A shape or index vector. In a Reshape one open dimension is simply "what is left". */
  #vector(node: Node, value: Constant, twin: Constant, at: number): Value {
    const [first, second] = [[...elementsOf(value)], [...elementsOf(twin)]];
    const open = first.flatMap((number, index) => (number === second[index] ? [] : [index]));
    const isReshape = node.op === "Reshape" && at === 1 && !first.includes(0);
    const [only] = open;
    if (isReshape && only !== undefined && open.length === 1) return this.#g.integers(first.with(only, -1));
    return this.#evenly(node, first, second);
  }

  /** a + k * rows for each element. */
  #evenly(node: Node, first: readonly number[], second: readonly number[]): Value {
    const { size, otherSize } = this.#sizes;
    const slopes = first.map((number, index) => ((second[index] ?? 0) - number) / (otherSize - size));
    if (!slopes.every(Number.isInteger)) throw dependsOnSize(`a shape in ${node.origin || node.op}`);
    const g = this.#g;
    const type = { dtype: "int64", shape: [first.length] } as const;
    const rows = g.node("Shape", [this.#rows], { dtype: "int64", shape: [1] }, { attributes: { start: 0, end: 1 } });
    const grown = g.node("Mul", [rows, g.integers(slopes)], type);
    return g.node("Add", [grown, g.integers(first.map((number, index) => number - (slopes[index] ?? 0) * size))], type);
  }
}

function isEqual(a: Constant, b: Constant): boolean {
  if (!isSameShape(a.shape, b.shape) || a.dtype !== b.dtype) return false;
  const [left, right] = [elementsOf(a), elementsOf(b)];
  return left.length === right.length && left.every((value, index) => Object.is(value, right[index]));
}

function dependsOnSize(found: string): Error {
  return untraceable("batch-size", `${found}, which depends on the batch size in a way that cannot be left open`);
}
