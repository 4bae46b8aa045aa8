import { sizeOf } from "@stampede/core";
import { isSameShape, producerOf, splatOf, type Shape, type Value } from "../ir/types.js";
import { add, mul } from "../ir/ops/elementwise.js";
import { expand, reshape } from "../ir/ops/shape.js";
import { intoBlocks, outOfBlocks, paddedChannels, spreadOverPictures, type Blocks } from "./operators.js";
import { tensorOfProduct, tensorOfSum } from "./materialise.js";

/** scale[channel] * tensor; without a scale the tensor itself. Vectors are [channels] or a single number []. */
export interface Term {
  readonly tensor: Value;
  readonly scale: Value | undefined;
}

/** The sum of terms and of a shift for each channel. Without terms it is a vector in every place. */
export interface Sum {
  readonly kind: "sum";
  readonly channels: number;
  readonly terms: readonly Term[];
  readonly shift: Value | undefined;
}

/** scale[channel] * x * y */
export interface Product {
  readonly kind: "product";
  readonly channels: number;
  readonly x: Value;
  readonly y: Value;
  readonly scale: Value | undefined;
}

export type Form = Sum | Product;

/**
 * How values [batch, height, width, channels] follow from tensors in blocks. The values themselves are recorded too, and are dead code
 * where whoever uses them asks for the form instead: that is all there is to propagating the layout.
 */
const forms = new WeakMap<Value, Form>();

/** Whether a value is at hand in blocks. */
export function isBlocked(value: Value): boolean {
  const form = forms.get(value);
  return form !== undefined && (form.kind === "product" || form.terms.length > 0);
}

/** The value that a form stands for, which remembers it. */
export function valueOf(b: Blocks, form: Form, shape: Shape): Value {
  const value =
    form.kind === "sum" && form.terms.length === 0
      ? everywhere(b, form, shape)
      : outOfBlocks(b, tensorOf(b, form), form.channels);
  if (!forms.has(value)) forms.set(value, form);
  return value;
}

/** The value of a tensor in blocks. */
export function valueOfTensor(b: Blocks, tensor: Value, channels: number): Value {
  const value = outOfBlocks(b, tensor, channels);
  forms.set(value, { kind: "sum", channels, terms: [{ tensor, scale: undefined }], shift: undefined });
  return value;
}

function everywhere({ g }: Blocks, { shift, channels }: Sum, shape: Shape): Value {
  const vector = shift ?? g.scalar(0);
  return expand(g, reshape(g, vector, vector.shape.length === 0 ? [1, 1, 1, 1] : [1, 1, 1, channels]), shape);
}

/** @param value [batch, height, width, channels], of any kind */
export function formOf(b: Blocks, value: Value): Form {
  const known = forms.get(value);
  if (known !== undefined) return known;
  const channels = value.shape[3] ?? 0;
  return { kind: "sum", channels, terms: [{ tensor: intoTensor(b, value), scale: undefined }], shift: undefined };
}

/** A product is a term like any other, once it is computed. */
export function sumOf(b: Blocks, value: Value): Sum {
  const form = formOf(b, value);
  if (form.kind === "sum") return form;
  const { channels, scale } = form;
  return { kind: "sum", channels, terms: [{ tensor: mul(b.g, form.x, form.y), scale }], shift: undefined };
}

/** The value in blocks. */
export function tensorOfValue(b: Blocks, value: Value): Value {
  const form = forms.get(value);
  return form === undefined || (form.kind === "sum" && form.terms.length === 0)
    ? intoTensor(b, value)
    : tensorOf(b, form);
}

export function tensorOf(b: Blocks, form: Form, activation?: "Relu"): Value {
  return form.kind === "product" ? tensorOfProduct(b, form, activation) : tensorOfSum(b, form, activation);
}

function intoTensor(b: Blocks, value: Value): Value {
  const [batch = 0, height = 0, width = 0, channels = 0] = value.shape;
  const spread = producerOf(value, "Expand")?.inputs[0];
  // What a global pooling gives back to all places.
  if (spread !== undefined && isSameShape(spread.shape, [batch, 1, 1, channels]) && channels % b.k === 0) {
    const each = reshape(b.g, spread, [batch, paddedChannels(b, channels), 1, 1]);
    return spreadOverPictures(b, each, height, width);
  }
  return intoBlocks(b, value);
}

/** The vector that a value is in every place: [channels] or []; undefined for others. */
export function vectorOf(b: Blocks, value: Value, channels: number): Value | undefined {
  const form = forms.get(value);
  if (form?.kind === "sum" && form.terms.length === 0) return form.shift ?? b.g.scalar(0);
  const number = splatOf(value);
  if (number !== undefined) return value.dtype === "float32" ? b.g.scalar(number) : undefined;
  const inner = producerOf(value, "Expand", "Tile")?.inputs[0] ?? value;
  const size = sizeOf(inner.shape);
  if (inner.dtype !== "float32") return undefined;
  if (size === 1) return reshape(b.g, inner, []);
  return size === channels && inner.shape.at(-1) === channels ? reshape(b.g, inner, [channels]) : undefined;
}

/** Both may be absent: 1 for factors. */
export function product(b: Blocks, x: Value | undefined, y: Value | undefined): Value | undefined {
  if (x === undefined || y === undefined) return x ?? y;
  return mul(b.g, x, y);
}

/** Both may be absent: 0 for summands. */
export function total(b: Blocks, x: Value | undefined, y: Value | undefined): Value | undefined {
  if (x === undefined || y === undefined) return x ?? y;
  return add(b.g, x, y);
}
