import { sizeOf } from "@stampede/core";
import { onnxTypes } from "../format/data-types.js";
import { tensorMessage } from "../format/tensor-message.js";
import { MessageWriter } from "../format/wire.js";
import {
  elementsOf,
  isConstant,
  type Attribute,
  type Constant,
  type Graph,
  type Node,
  type Port,
  type Value,
} from "./types.js";

/** Opset 17 is the newest that onnxruntime's Scan, LayerNormalization and the internal nchwc operators were tried with; IR 8 goes with it. */
const opset = 17;
const irVersion = 8;

/** `AttributeProto.AttributeType` */
const attributeTypes = { float: 1, integer: 2, text: 3, graph: 5, integers: 7 } as const;

/** Splats of more elements are written as one number and an Expand, so that files stay small. */
const maxWrittenSplat = 16;

/** Dimensions of graph inputs and outputs that are left open, by the name of the input or output: `["N", undefined]`. */
export type OpenDimensions = ReadonlyMap<string, readonly (string | undefined)[]>;

export interface EncodeOptions {
  readonly name: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly openDimensions?: OpenDimensions;
  /** Whether extents inside of bodies are left open, because they may be another's than was traced. @default false */
  readonly hasOpenBodies?: boolean;
}

/** The graph as the bytes of an ONNX model. The same graph gives the same bytes. */
export function encodeModel(graph: Graph, options: EncodeOptions): Uint8Array<ArrayBuffer> {
  const model = new MessageWriter().integer(1, irVersion).text(2, "stampede");
  model.message(
    7,
    new GraphEncoder(options.openDimensions ?? new Map(), options.hasOpenBodies === true).encode(graph, options.name),
  );
  for (const domain of domainsOf(graph)) {
    model.message(8, new MessageWriter().text(1, domain).integer(2, domain === "" ? opset : 1));
  }
  for (const [key, value] of Object.entries(options.metadata ?? {})) {
    model.message(14, new MessageWriter().text(1, key).text(2, value));
  }
  return model.finish();
}

function domainsOf({ nodes }: Graph): ReadonlySet<string> {
  const domains = new Set([""]);
  for (const { domain, body } of nodes) {
    domains.add(domain);
    if (body !== undefined) for (const inner of domainsOf(body)) domains.add(inner);
  }
  return domains;
}

class GraphEncoder {
  readonly #open: OpenDimensions;
  readonly #hasOpenBodies: boolean;
  readonly #outer: GraphEncoder | undefined;
  readonly #names = new Map<Value, string>();
  readonly #initializers: MessageWriter[] = [];
  readonly #nodes: MessageWriter[] = [];

  constructor(open: OpenDimensions, hasOpenBodies: boolean, outer?: GraphEncoder) {
    this.#open = open;
    this.#hasOpenBodies = hasOpenBodies;
    this.#outer = outer;
  }

  encode(graph: Graph, name: string): MessageWriter {
    const inputs = graph.inputs.map((port) => ({ ...port, name: this.#inputName(port) }));
    for (const input of inputs) this.#names.set(input.value, input.name);
    this.#nameResults(graph);
    for (const node of graph.nodes) this.#addNode(node);
    const outputs = graph.outputs.map((output) => this.#addOutput(output.name, output.value));
    const message = new MessageWriter();
    for (const node of this.#nodes) message.message(1, node);
    message.text(2, name);
    for (const initializer of this.#initializers) message.message(5, initializer);
    for (const input of inputs) message.message(11, this.#valueInfo(input.name, input.value));
    for (const output of outputs) message.message(12, output);
    return message;
  }

  #addNode({ op, domain, inputs, outputs, attributes, body, origin }: Node): void {
    // Constants come first: they may need a node of their own.
    const names = inputs.map((value) => (value === undefined ? "" : this.#nameOf(value)));
    const message = new MessageWriter();
    for (const name of names) message.text(1, name);
    for (const value of outputs) {
      const name = this.#names.get(value) ?? `v${value.id}`;
      this.#names.set(value, name);
      message.text(2, name);
    }
    if (origin !== "") message.text(3, `${origin} #${outputs[0]?.id ?? ""}`);
    message.text(4, op);
    for (const [name, value] of Object.entries(attributes)) message.message(5, attribute(name, value));
    if (body !== undefined) {
      const inner = new GraphEncoder(new Map(), this.#hasOpenBodies, this).encode(body, `${op.toLowerCase()}_body`);
      message.message(5, new MessageWriter().text(1, "body").message(6, inner).integer(20, attributeTypes.graph));
    }
    if (domain !== "") message.text(7, domain);
    this.#nodes.push(message);
  }

  /** A value that is an output bears its name from the start. */
  #nameResults({ nodes, outputs }: Graph): void {
    const made = new Set(nodes.flatMap((node) => node.outputs));
    for (const { name, value } of outputs) {
      if (made.has(value) && !this.#names.has(value)) this.#names.set(value, name);
    }
  }

  /** A value that is no node's, or an output already, is copied: every output has a name of its own. */
  #addOutput(name: string, value: Value): MessageWriter {
    const known = this.#nameOf(value);
    if (known !== name) this.#nodes.push(new MessageWriter().text(1, known).text(2, name).text(4, "Identity"));
    return this.#valueInfo(name, value);
  }

  /** Inside a body inputs are found by their place; their names must differ from all names outside. */
  #inputName({ name, value }: Port): string {
    return this.#outer === undefined ? name : `v${value.id}`;
  }

  #nameOf(value: Value): string {
    const known = this.#find(value);
    if (known !== undefined) return known;
    if (!isConstant(value)) throw new Error(`value ${value.id} is used before it is made`);
    return this.#root().#nameConstant(value);
  }

  /** Constants stand in the outermost graph, so that a Scan does not make them again in every step. */
  #root(): GraphEncoder {
    return this.#outer === undefined ? this : this.#outer.#root();
  }

  #nameConstant(value: Constant): string {
    const name = `c${value.id}`;
    this.#names.set(value, name);
    this.#addConstant(name, value);
    return name;
  }

  #find(value: Value): string | undefined {
    return this.#names.get(value) ?? (this.#outer === undefined ? undefined : this.#outer.#find(value));
  }

  #addConstant(name: string, value: Constant): void {
    if (!value.source.isSplat || sizeOf(value.shape) <= maxWrittenSplat) {
      this.#initializers.push(tensorMessage(name, value.dtype, value.shape, elementsOf(value)));
      return;
    }
    const element = `${name}_element`;
    const shape = `${name}_shape`;
    this.#initializers.push(tensorMessage(element, value.dtype, [], value.source.data));
    this.#initializers.push(tensorMessage(shape, "int64", [value.shape.length], Float64Array.from(value.shape)));
    this.#nodes.push(new MessageWriter().text(1, element).text(1, shape).text(2, name).text(4, "Expand"));
  }

  #valueInfo(name: string, { dtype, shape }: Value): MessageWriter {
    const open = this.#open.get(name);
    const isUnknown = this.#hasOpenBodies && this.#outer !== undefined;
    const dimensions = new MessageWriter();
    for (const [axis, extent] of shape.entries()) {
      if (isUnknown) {
        dimensions.message(1, new MessageWriter());
        continue;
      }
      const symbol = open?.[axis];
      const dimension = new MessageWriter();
      dimensions.message(1, symbol === undefined ? dimension.integer(1, extent) : dimension.text(2, symbol));
    }
    const type = new MessageWriter().integer(1, onnxTypes[dtype]).message(2, dimensions);
    return new MessageWriter().text(1, name).message(2, new MessageWriter().message(1, type));
  }
}

function attribute(name: string, value: Attribute): MessageWriter {
  const message = new MessageWriter().text(1, name);
  if (typeof value === "number") return message.integer(3, value).integer(20, attributeTypes.integer);
  if (typeof value === "string") return message.text(4, value).integer(20, attributeTypes.text);
  if ("float" in value) return message.float(2, value.float).integer(20, attributeTypes.float);
  for (const item of value) message.integer(8, item);
  return message.integer(20, attributeTypes.integers);
}
