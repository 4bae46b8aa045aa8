import { blockedDomain } from "../format/block-probe.js";
import { add, mul, unary } from "../ir/ops/elementwise.js";
import { expand, reshape } from "../ir/ops/shape.js";
import { isConstant, producerOf, type Value } from "../ir/types.js";
import type { Product, Sum, Term } from "./forms.js";
import { blockedConv, padChannels, type Blocks } from "./operators.js";

/** A relu, or nothing, that is taken of the result. */
type Activation = "Relu" | undefined;

const inPlace = [
  { stride: 1, pads: [0, 0] },
  { stride: 1, pads: [0, 0] },
] as const;

/**
 * scale * tensor + shift + sum, activated: a convolution of every channel with a single tap. That is one pass over memory, and with it
 * all that a normalisation, a residual and a relu are.
 */
function affine(
  b: Blocks,
  { tensor, scale }: Term,
  shift: Value | undefined,
  sum: Value | undefined,
  activation: Activation,
): Value {
  const [, channels = 0] = tensor.shape;
  const factors = scale === undefined ? b.g.splat(1, "float32", [channels]) : everyChannel(b, scale, channels);
  const filter = reshape(b.g, factors, [channels, 1, 1, 1]);
  const bias = shift && everyChannel(b, shift, channels);
  return blockedConv(b, tensor, filter, { axes: inPlace, group: channels, bias, sum, activation });
}

/** A vector of all channels, the added ones included. */
function everyChannel(b: Blocks, vector: Value, channels: number): Value {
  return vector.shape.length === 0 ? expand(b.g, vector, [channels]) : padChannels(b, vector, 0, channels);
}

export function tensorOfProduct(b: Blocks, { x, y, scale }: Product, activation: Activation): Value {
  const tensor = mul(b.g, x, y);
  return scale === undefined
    ? activated(b, tensor, activation)
    : affine(b, { tensor, scale }, undefined, undefined, activation);
}

export function tensorOfSum(b: Blocks, { terms, shift }: Sum, activation: Activation): Value {
  const [only, ...others] = terms;
  if (only === undefined) throw new Error("a vector is no tensor in blocks");
  if (others.length === 0) return tensorOfTerm(b, only, shift, activation);
  const plain = terms.filter(({ scale }) => scale === undefined).map(({ tensor }) => tensor);
  const scaled = terms.filter(({ scale }) => scale !== undefined);
  const [first, ...rest] = plain;
  let bias = shift;
  let sum = rest.reduce<Value | undefined>((all, tensor) => all && add(b.g, all, tensor), first);
  for (const [index, term] of scaled.entries()) {
    sum = affine(b, term, bias, sum, index === scaled.length - 1 ? activation : undefined);
    bias = undefined;
  }
  if (sum === undefined) throw new Error("terms without a sum");
  if (bias !== undefined) return affine(b, { tensor: sum, scale: undefined }, bias, undefined, activation);
  return scaled.length === 0 ? activated(b, sum, activation) : sum;
}

function tensorOfTerm(b: Blocks, term: Term, shift: Value | undefined, activation: Activation): Value {
  const { tensor, scale } = term;
  if (scale !== undefined) return affine(b, term, shift, undefined, activation);
  if (shift === undefined) return activated(b, tensor, activation);
  return intoConvolution(b, tensor, shift, activation) ?? affine(b, term, shift, undefined, activation);
}

function activated(b: Blocks, tensor: Value, activation: Activation): Value {
  if (activation === undefined) return tensor;
  return intoConvolution(b, tensor, undefined, activation) ?? unary(b.g, activation, tensor);
}

/**
 * The convolution that made a tensor once more, with a bias and a relu; the bare one is then dead code. Only where the bias is given: one
 * that follows from the convolution itself (the mean of its result) would have it computed twice.
 */
function intoConvolution(b: Blocks, tensor: Value, bias: Value | undefined, activation: Activation): Value | undefined {
  const node = producerOf(tensor, "Conv");
  if (node?.domain !== blockedDomain || node.inputs.length > 2) return undefined;
  if (node.attributes["activation"] !== undefined || (bias !== undefined && !isGiven(bias))) return undefined;
  const inputs = bias === undefined ? node.inputs : [...node.inputs, everyChannel(b, bias, tensor.shape[1] ?? 0)];
  const attributes = { ...node.attributes, ...(activation && { activation }) };
  const { dtype, shape } = tensor;
  return b.g.node("Conv", inputs, { dtype, shape }, { attributes, domain: blockedDomain });
}

function isGiven(value: Value): boolean {
  const of = producerOf(value, "Reshape")?.inputs[0] ?? value;
  return isConstant(of) || of.source.kind === "input";
}
