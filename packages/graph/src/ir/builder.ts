import { createHash } from "node:crypto";
import { sizeOf } from "@stampede/core";
import type { Attributes, Constant, ConstantData, Graph, GraphDType, Node, Port, Shape, Value } from "./types.js";

/** Where several builders make parts of one graph (a Scan and its body) they share the numbers of values. */
export class ValueNumbers {
  #next = 0;
  next(): number {
    return this.#next++;
  }
}

export interface ResultType {
  readonly dtype: GraphDType;
  readonly shape: Shape;
}

interface EmitOptions {
  readonly attributes?: Attributes;
  readonly domain?: string;
  readonly body?: Graph;
}

/** Constants up to this many elements are recognised as equal by their contents. */
const maxComparedElements = 65_536;

/**
 * Builds a graph node by node. Equal nodes (same operator, inputs and attributes) and equal constants are made once: common
 * subexpressions never arise. Every node is a pure function of its inputs, so this never changes a result.
 */
export class GraphBuilder {
  readonly numbers: ValueNumbers;
  readonly #nodes: Node[] = [];
  readonly #inputs: Port[] = [];
  readonly #known = new Map<string, readonly Value[]>();
  #constants = new Map<string, Constant>();
  /** Noted on every node that is emitted, see `Node.origin`. */
  origin = "";

  constructor(numbers: ValueNumbers = new ValueNumbers()) {
    this.numbers = numbers;
  }

  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  input(name: string, dtype: GraphDType, shape: Shape): Value {
    const value: Value = { id: this.numbers.next(), dtype, shape, source: { kind: "input" } };
    this.#inputs.push({ name, value });
    return value;
  }

  /** Makes an input of another builder's graph one of this graph too. */
  adoptInput(name: string, value: Value): void {
    this.#inputs.push({ name, value });
  }

  /** A builder of a graph inside of this one, such as a Scan's body. Both have the same constants. */
  inner(): GraphBuilder {
    const inner = new GraphBuilder(this.numbers);
    inner.#constants = this.#constants;
    inner.origin = this.origin;
    return inner;
  }

  /**
   * Takes nodes over from another graph as they are; what they use must be here already.
   * @param before the node in front of which they are put; the end where it is left out or not of this graph
   */
  adoptNodes(nodes: readonly Node[], before?: Node): void {
    const at = before === undefined ? -1 : this.#nodes.lastIndexOf(before);
    this.#nodes.splice(at === -1 ? this.#nodes.length : at, 0, ...nodes);
  }

  /** A node with one result. */
  node(op: string, inputs: readonly (Value | undefined)[], result: ResultType, options: EmitOptions = {}): Value {
    const [value] = this.emit(op, inputs, [result], options);
    if (value === undefined) throw new Error("a node without a result");
    return value;
  }

  /** A node with any number of results. */
  emit(
    op: string,
    inputs: readonly (Value | undefined)[],
    results: readonly ResultType[],
    { attributes = {}, domain = "", body }: EmitOptions = {},
  ): readonly Value[] {
    const key = keyOf(op, domain, inputs, results, attributes);
    const known = body === undefined ? this.#known.get(key) : undefined;
    if (known !== undefined) return known;
    const outputs: Value[] = [];
    const node: Node = { op, domain, inputs, outputs, attributes, origin: this.origin, ...(body && { body }) };
    for (const [index, { dtype, shape }] of results.entries()) {
      outputs.push({ id: this.numbers.next(), dtype, shape, source: { kind: "node", node, index } });
    }
    this.#nodes.push(node);
    this.#known.set(key, outputs);
    return outputs;
  }

  /** @param data all elements, row-major; not copied */
  constant(data: ConstantData, dtype: GraphDType, shape: Shape): Constant {
    const isSplat = data.length > 0 && data.every((value) => Object.is(value, data[0]));
    return this.#constant(isSplat ? data.slice(0, 1) : data, dtype, shape, isSplat);
  }

  /** A constant with the same number in every element. */
  splat(value: number, dtype: GraphDType, shape: Shape): Constant {
    const isSplat = sizeOf(shape) > 0;
    return this.#constant(arrayFor(dtype, isSplat ? [value] : []), dtype, shape, isSplat);
  }

  scalar(value: number, dtype: GraphDType = "float32"): Constant {
    return this.splat(value, dtype, []);
  }

  /** A vector of whole numbers as ONNX wants shapes, axes and indices: int64. */
  integers(values: readonly number[]): Constant {
    return this.constant(Float64Array.from(values), "int64", [values.length]);
  }

  finish(outputs: readonly Port[]): Graph {
    return { inputs: [...this.#inputs], nodes: [...this.#nodes], outputs };
  }

  #constant(data: ConstantData, dtype: GraphDType, shape: Shape, isSplat: boolean): Constant {
    if (data.length > maxComparedElements) return this.#newConstant(data, dtype, shape, isSplat);
    const key = `${dtype}[${shape.join()}]${isSplat ? "*" : ""}${digestOf(data)}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const made = this.#newConstant(data, dtype, shape, isSplat);
    this.#constants.set(key, made);
    return made;
  }

  #newConstant(data: ConstantData, dtype: GraphDType, shape: Shape, isSplat: boolean): Constant {
    return { id: this.numbers.next(), dtype, shape, source: { kind: "constant", data, isSplat } };
  }
}

export function arrayFor(dtype: GraphDType, values: ArrayLike<number>): ConstantData {
  switch (dtype) {
    case "float32":
      return Float32Array.from(values);
    case "float64":
    case "int64":
      return Float64Array.from(values);
    case "int32":
    case "int16":
    case "uint16":
    case "int8":
      return Int32Array.from(values);
    case "uint8":
    case "bool":
      return Uint8Array.from(values);
  }
}

/** By bits: 0 and -0 differ, and so may two NaN. */
function digestOf(data: ConstantData): string {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return bytes.length <= 64 ? bytes.toString("base64") : createHash("sha1").update(bytes).digest("base64");
}

function keyOf(
  op: string,
  domain: string,
  inputs: readonly (Value | undefined)[],
  results: readonly ResultType[],
  attributes: Attributes,
): string {
  const types = results.map(({ dtype, shape }) => `${dtype}[${shape.join()}]`).join();
  return `${domain}.${op}(${inputs.map((value) => value?.id ?? "").join()})${types}${JSON.stringify(attributes)}`;
}
