import type { Block } from "@stampede/core";
import { GraphBuilder, type Graph, type Node, type Value } from "@stampede/graph/internals";

type Shape = readonly number[];
const domain = "com.microsoft.nchwc";

/**
 * A graph with ONNX' own operators in the place of blocked ones, written from onnxruntime's documentation of the layout alone: what a
 * processor with this block computes, on any processor.
 */
export function withoutBlocks(graph: Graph, block: Block): Graph {
  const g = new GraphBuilder();
  const values = new Map<Value, Value>();
  for (const { name, value } of graph.inputs) values.set(value, g.input(name, value.dtype, value.shape));
  const taken = (value: Value): Value => {
    if (value.source.kind !== "constant") return values.get(value) ?? value;
    const { data, isSplat } = value.source;
    return isSplat ? g.splat(data[0] ?? 0, value.dtype, value.shape) : g.constant(data, value.dtype, value.shape);
  };
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((value) => value && taken(value));
    const results =
      node.domain === domain
        ? [new PlainOperators(g, block).of(node, inputs)]
        : g.emit(node.op, inputs, node.outputs, { attributes: node.attributes });
    for (const [index, value] of node.outputs.entries()) values.set(value, results[index] ?? value);
  }
  return g.finish(graph.outputs.map(({ name, value }) => ({ name, value: taken(value) })));
}

class PlainOperators {
  readonly #g: GraphBuilder;
  readonly #k: Block;

  constructor(g: GraphBuilder, k: Block) {
    this.#g = g;
    this.#k = k;
  }

  of(node: Node, [x, filter, bias, sum]: readonly (Value | undefined)[]): Value {
    const { op, attributes, outputs } = node;
    const shape = outputs[0]?.shape ?? [];
    if (x === undefined) throw new Error(`a ${op} without an input`);
    const [batch = 0, channels = 0, height = 0, width = 0] = shape;
    switch (op) {
      case "ReorderInput": {
        const first = attributes["channels_last"] === 1 ? this.#transpose(x, [0, 3, 1, 2]) : x;
        const missing = channels - (first.shape[1] ?? 0);
        const whole = this.#node("Pad", [first, this.#g.integers([0, 0, 0, 0, 0, missing, 0, 0])], shape);
        return this.#intoBlocks(whole);
      }
      case "ReorderOutput": {
        const all = this.#transpose(this.#outOfBlocks(x), [0, 2, 3, 1]);
        const range = [[0], [shape[3] ?? 0], [3]].map((each) => this.#g.integers(each));
        return this.#node("Slice", [all, ...range], shape);
      }
      case "Conv": {
        if (filter === undefined) throw new Error("a convolution without a filter");
        const { activation, ...others } = attributes;
        const group = Number(attributes["group"] ?? 1);
        const isPlain = group === 1 && (x.shape[1] ?? 0) < this.#k;
        const input = isPlain ? x : this.#outOfBlocks(x);
        const given = [input, this.#filter(filter, isPlain), ...(bias ? [bias] : [])];
        const product = this.#node("Conv", given, shape, others);
        const added = sum === undefined ? product : this.#node("Add", [product, this.#outOfBlocks(sum)], shape);
        return this.#intoBlocks(activation === "Relu" ? this.#node("Relu", [added], shape) : added);
      }
      case "Upsample":
        return this.#intoBlocks(
          this.#node("Expand", [this.#outOfBlocks(x), this.#g.integers([batch, channels, height, width])], shape),
        );
      default:
        return this.#intoBlocks(this.#node(op, [this.#outOfBlocks(x)], shape, attributes));
    }
  }

  /** [filters / k][channels / k][height][width][k channels][k filters], or [filters / k][channels][height][width][k filters]. */
  #filter(filter: Value, isPlain: boolean): Value {
    const [filters = 0, channels = 0, height = 0, width = 0] = filter.shape;
    const k = this.#k;
    if (isPlain || channels === 1) {
      const split = this.#reshape(filter, [filters / k, channels, height, width, k]);
      return this.#reshape(this.#transpose(split, [0, 4, 1, 2, 3]), filter.shape);
    }
    const split = this.#reshape(filter, [filters / k, channels / k, height, width, k, k]);
    return this.#reshape(this.#transpose(split, [0, 5, 1, 4, 2, 3]), filter.shape);
  }

  /** [batch, channels, height, width] as [batch][channels / k][height][width][k]. */
  #intoBlocks(x: Value): Value {
    const [batch = 0, channels = 0, height = 0, width = 0] = x.shape;
    const split = this.#reshape(x, [batch, channels / this.#k, this.#k, height, width]);
    return this.#reshape(this.#transpose(split, [0, 1, 3, 4, 2]), x.shape);
  }

  #outOfBlocks(x: Value): Value {
    const [batch = 0, channels = 0, height = 0, width = 0] = x.shape;
    const split = this.#reshape(x, [batch, channels / this.#k, height, width, this.#k]);
    return this.#reshape(this.#transpose(split, [0, 1, 4, 2, 3]), x.shape);
  }

  #reshape(x: Value, shape: Shape): Value {
    return this.#node("Reshape", [x, this.#g.integers(shape)], shape);
  }

  #transpose(x: Value, permutation: Shape): Value {
    const shape = permutation.map((axis) => x.shape[axis] ?? 1);
    return this.#node("Transpose", [x], shape, { perm: permutation });
  }

  #node(op: string, inputs: readonly Value[], shape: Shape, attributes: Node["attributes"] = {}): Value {
    return this.#g.node(op, inputs, { dtype: "float32", shape }, { attributes });
  }
}
