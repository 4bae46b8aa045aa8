import { sizeOf } from "@stampede/core";
import type { GraphDType } from "../format/data-types.js";

export type { GraphDType } from "../format/data-types.js";

export type Shape = readonly number[];

/** Values of a constant; int64 as Float64Array (whole numbers up to 2^53), bool as Uint8Array of 0 and 1. */
export type ConstantData = Float32Array | Float64Array | Int32Array | Uint8Array;

interface ConstantSource {
  readonly kind: "constant";
  /** In full, or one element that stands for all when `isSplat`. */
  readonly data: ConstantData;
  readonly isSplat: boolean;
}
interface NodeSource {
  readonly kind: "node";
  readonly node: Node;
  readonly index: number;
}
interface InputSource {
  readonly kind: "input";
}

/** One tensor of the graph, made once: by a node, as a constant, or fed from outside. */
export interface Value {
  /** Unique in its builder, in order of creation. */
  readonly id: number;
  readonly dtype: GraphDType;
  readonly shape: Shape;
  readonly source: ConstantSource | NodeSource | InputSource;
}
export type Constant = Value & { readonly source: ConstantSource };
type Produced = Value & { readonly source: NodeSource };

export type Attribute = number | readonly number[] | string | { readonly float: number };
export type Attributes = Readonly<Record<string, Attribute>>;

/** One ONNX operation. */
export interface Node {
  readonly op: string;
  /** `""` for ONNX' own operators. */
  readonly domain: string;
  /** undefined for an optional input that is left out. */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
  /** The body of a Scan. It may use (capture) values of the graphs around it. */
  readonly body?: Graph;
  /** What in the user's model it comes from, for error messages: layer and tfjs kernel. */
  readonly origin: string;
}

export interface Graph {
  readonly inputs: readonly Port[];
  /** Each after those whose values it uses. */
  readonly nodes: readonly Node[];
  readonly outputs: readonly Port[];
}

/** The name under which a graph is fed a value, or gives it. */
export interface Port {
  readonly name: string;
  readonly value: Value;
}

export function isConstant(value: Value | undefined): value is Constant {
  return value?.source.kind === "constant";
}

function isProduced(value: Value | undefined): value is Produced {
  return value?.source.kind === "node";
}

/** The node that makes a value, if it is one of these operators. */
export function producerOf(value: Value | undefined, ...ops: readonly string[]): Node | undefined {
  if (!isProduced(value)) return undefined;
  const { node } = value.source;
  return ops.length === 0 || ops.includes(node.op) ? node : undefined;
}

/** The number that a constant has in every element; undefined for other values. */
export function splatOf(value: Value | undefined): number | undefined {
  return isConstant(value) && (value.source.isSplat || value.source.data.length === 1)
    ? value.source.data[0]
    : undefined;
}

/** A constant's elements in full. */
export function elementsOf({ source, shape }: Constant): ConstantData {
  const { data, isSplat } = source;
  return isSplat ? filled(data, sizeOf(shape)) : data;
}

function filled(data: ConstantData, length: number): ConstantData {
  const value = data[0] ?? 0;
  if (data instanceof Float32Array) return new Float32Array(length).fill(value);
  if (data instanceof Float64Array) return new Float64Array(length).fill(value);
  if (data instanceof Int32Array) return new Int32Array(length).fill(value);
  return new Uint8Array(length).fill(value);
}

export function isSameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}
