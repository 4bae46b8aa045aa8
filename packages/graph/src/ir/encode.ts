import { sizeOf } from "@stampede/core";
import { onnxTypes } from "../format/data-types.js";
import { Places } from "../format/places.js";
import { tensorMessage } from "../format/tensor-message.js";
import { MessageWriter } from "../format/wire.js";
import { ShortNames } from "./short-names.js";
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
  /** @param places what the names of nodes stand for */
  readonly metadata?: (places: readonly string[]) => Readonly<Record<string, string>>;
  readonly openDimensions?: OpenDimensions;
  /** Whether extents inside of bodies are left open, because they may be another's than was traced. @default false */
  readonly hasOpenBodies?: boolean;
}

/** The graph as the bytes of an ONNX model. The same graph gives the same bytes. */
export function encodeModel(graph: Graph, options: EncodeOptions): Uint8Array<ArrayBuffer> {
  const model = new MessageWriter().integer(1, irVersion).text(2, "stampede");
  const places = new Places();
  const ports = [...graph.inputs, ...graph.outputs].map(({ name }) => name);
  const shared = { fresh: new ShortNames(new Set(ports)), places, hasOpenBodies: options.hasOpenBodies === true };
  model.message(7, new GraphEncoder(shared, options.openDimensions ?? new Map()).encode(graph, options.name));
  for (const domain of domainsOf(graph)) {
    model.message(8, new MessageWriter().text(1, domain).integer(2, domain === "" ? opset : 1));
  }
  for (const [key, value] of Object.entries(options.metadata?.(places.list()) ?? {})) {
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

/** What a graph and those inside of it have together. */
interface Shared {
  /** Names inside a body must differ from all names outside. */
  readonly fresh: ShortNames;
  readonly places: Places;
  readonly hasOpenBodies: boolean;
}

class GraphEncoder {
  readonly #shared: Shared;
  readonly #open: OpenDimensions;
  readonly #outer: GraphEncoder | undefined;
  readonly #names = new Map<Value, string>();
  readonly #initializers: MessageWriter[] = [];
  readonly #nodes: MessageWriter[] = [];

  constructor(shared: Shared, open: OpenDimensions, outer?: GraphEncoder) {
    this.#shared = shared;
    this.#open = open;
    this.#outer = outer;
  }

  encode(graph: Graph, name: string): MessageWriter {
    const inputs = graph.inputs.map((port) => this.#named(port));
    for (const input of inputs) this.#names.set(input.value, input.name);
    const results = graph.outputs.map((port) => this.#named(port));
    this.#nameResults(graph.nodes, results);
    for (const node of graph.nodes) this.#addNode(node);
    const outputs = results.map((result) => this.#addOutput(result));
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
    const results = outputs.map((value) => this.#resultName(value));
    const message = new MessageWriter();
    for (const name of names) message.text(1, name);
    for (const name of results) message.text(2, name);
    if (origin !== "") message.text(3, this.#shared.places.nameOf(origin));
    message.text(4, op);
    for (const [name, value] of Object.entries(attributes)) message.message(5, attribute(name, value));
    if (body !== undefined) {
      const inner = new GraphEncoder(this.#shared, new Map(), this).encode(body, `${op.toLowerCase()}_body`);
      message.message(5, new MessageWriter().text(1, "body").message(6, inner).integer(20, attributeTypes.graph));
    }
    if (domain !== "") message.text(7, domain);
    this.#nodes.push(message);
  }

  #resultName(value: Value): string {
    const name = this.#names.get(value) ?? this.#shared.fresh.next();
    this.#names.set(value, name);
    return name;
  }

  /** A value that is an output bears its name from the start. */
  #nameResults(nodes: readonly Node[], results: readonly Port[]): void {
    const made = new Set(nodes.flatMap((node) => node.outputs));
    for (const { name, value } of results) {
      if (made.has(value) && !this.#names.has(value)) this.#names.set(value, name);
    }
  }

  /** A value that is no node's, or an output already, is copied: every output has a name of its own. */
  #addOutput({ name, value }: Port): MessageWriter {
    const known = this.#nameOf(value);
    if (known !== name) this.#nodes.push(new MessageWriter().text(1, known).text(2, name).text(4, "Identity"));
    return this.#valueInfo(name, value);
  }

  /** Inputs and outputs of a body are found by their place. */
  #named({ name, value }: Port): Port {
    return { name: this.#outer === undefined ? name : this.#shared.fresh.next(), value };
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
    const name = this.#shared.fresh.next();
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
    const element = this.#shared.fresh.next();
    const shape = this.#shared.fresh.next();
    this.#initializers.push(tensorMessage(element, value.dtype, [], value.source.data));
    this.#initializers.push(tensorMessage(shape, "int64", [value.shape.length], Float64Array.from(value.shape)));
    this.#nodes.push(new MessageWriter().text(1, element).text(1, shape).text(2, name).text(4, "Expand"));
  }

  #valueInfo(name: string, { dtype, shape }: Value): MessageWriter {
    const open = this.#open.get(name);
    const isUnknown = this.#shared.hasOpenBodies && this.#outer !== undefined;
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
