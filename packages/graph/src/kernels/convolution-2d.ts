import type * as Tf from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "../ir/builder.js";
import { add } from "../ir/ops/elementwise.js";
import { reshape } from "../ir/ops/shape.js";
import type { Value } from "../ir/types.js";
import { kernel, type KernelCall, type KernelTable } from "../trace/kernel.js";
import { fusedActivation } from "./activation.js";
import {
  channelsFirst,
  channelsLast,
  conv2dWindows,
  convolve,
  filterGradient,
  inputGradient,
  type Conv2dAttributes,
} from "./convolution.js";

type Lower = (x: Value) => Value;

/** Lowers for channels last whatever the data format is. */
function inFormat(g: GraphBuilder, { dataFormat }: Conv2dAttributes, x: Value, lower: Lower): Value {
  return dataFormat === "NCHW" ? channelsFirst(g, lower(channelsLast(g, x))) : lower(x);
}

function conv2d(g: GraphBuilder, attrs: Conv2dAttributes, x: Value, filter: Value): Value {
  const windows = conv2dWindows(attrs, x.shape, filter.shape);
  return inFormat(g, attrs, x, (last) => convolve(g, last, filter, windows));
}

type Fused = Conv2dAttributes & Pick<Tf.FusedConv2DAttrs, "activation" | "leakyreluAlpha">;

/** Adds the bias and applies the activation that tfjs fused into a convolution. */
export function finish(g: GraphBuilder, y: Value, { attrs, optional }: KernelCall<Fused>): Value {
  const bias = optional("bias");
  const shifted = bias === undefined ? y : add(g, y, perChannel(g, bias, attrs));
  const alpha = optional("preluActivationWeights");
  const weights = alpha && perChannel(g, alpha, attrs);
  return fusedActivation(g, shifted, attrs.activation, attrs.leakyreluAlpha, weights);
}

/** A vector belongs to the channels, also where they come first. */
function perChannel(g: GraphBuilder, x: Value, { dataFormat }: Conv2dAttributes): Value {
  const [channels = 1] = x.shape;
  return dataFormat === "NCHW" && x.shape.length === 1 ? reshape(g, x, [channels, 1, 1]) : x;
}

/** Convolutions of one and two dimensions, and their gradients. */
export const convolution2dKernels: KernelTable = {
  Conv2D: kernel<Tf.Conv2DAttrs>(({ g, attrs, input }) => conv2d(g, attrs, input("x"), input("filter"))),
  FusedConv2D: kernel<Tf.FusedConv2DAttrs>((call) => {
    const { g, attrs, input } = call;
    return finish(g, conv2d(g, attrs, input("x"), input("filter")), call);
  }),
  Conv2DBackpropFilter: kernel<Tf.Conv2DBackpropFilterAttrs>(({ g, attrs, input }) => {
    const [x, dy] = [input("x"), input("dy")];
    const windows = conv2dWindows(attrs, x.shape, attrs.filterShape);
    const [lastX, lastDy] = attrs.dataFormat === "NCHW" ? [channelsLast(g, x), channelsLast(g, dy)] : [x, dy];
    return filterGradient(g, lastX, lastDy, windows, [...attrs.filterShape]);
  }),
  Conv2DBackpropInput: kernel<Tf.Conv2DBackpropInputAttrs>(({ g, attrs, input }) => {
    const filter = input("filter");
    const windows = conv2dWindows(attrs, attrs.inputShape, filter.shape);
    return inFormat(g, attrs, input("dy"), (dy) => inputGradient(g, dy, filter, windows));
  }),
};
