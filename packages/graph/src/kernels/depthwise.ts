import type * as Tf from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "../ir/builder.js";
import { mul } from "../ir/ops/elementwise.js";
import { reduce } from "../ir/ops/reduce.js";
import { concat, reshape, reverse, transpose } from "../ir/ops/shape.js";
import type { Shape, Value } from "../ir/types.js";
import { kernel, type KernelTable } from "../trace/kernel.js";
import { conv2dWindows, convolveGroups, placeWindows, requireOutput, type Conv2dAttributes } from "./convolution.js";
import { finish } from "./convolution-2d.js";
import { padForWindows, tapOf, tapsOf, type WindowAxis, type Windows } from "./windows.js";

/**
 * A convolution in as many groups as there are channels. onnxruntime has a kernel for these that is three to seven times faster than
 * adding up products of slices, its transposes included.
 */
function depthwise(g: GraphBuilder, attrs: Conv2dAttributes, x: Value, filter: Value): Value {
  requireLast(attrs);
  const windows = conv2dWindows(attrs, x.shape, filter.shape, true);
  return convolveGroups(g, x, filterPerChannel(g, filter), windows, filter.shape[2] ?? 0);
}

/** [height, width, channels, multiplier] as [channels * multiplier, 1, height, width]. */
function filterPerChannel(g: GraphBuilder, filter: Value): Value {
  const [height = 0, width = 0, channels = 0, multiplier = 0] = filter.shape;
  return reshape(g, transpose(g, filter, [2, 3, 0, 1]), [channels * multiplier, 1, height, width]);
}

/** Tap by tap: no operator adds up over the batch and all windows at once. */
function depthwiseFilterGradient(g: GraphBuilder, x: Value, dy: Value, windows: Windows, shape: Shape): Value {
  requireOutput(dy.shape.slice(1, -1), windows);
  const [, , channels = 0, multiplier = 0] = shape;
  const isSingle = multiplier === 1;
  const gradient = isSingle ? dy : reshape(g, dy, [...dy.shape.slice(0, -1), channels, multiplier]);
  const padded = padForWindows(g, x, windows);
  const taps = tapsOf(windows).map((position) => {
    const tap = tapOf(g, padded, windows, position);
    const products = mul(g, isSingle ? tap : reshape(g, tap, [...tap.shape, 1]), gradient);
    return reshape(g, reduce(g, "ReduceSum", products, [0, 1, 2], false), [1, channels, multiplier]);
  });
  return reshape(g, concat(g, taps, 0), shape);
}

function depthwiseInputGradient(g: GraphBuilder, dy: Value, filter: Value, windows: Windows): Value {
  requireOutput(dy.shape.slice(1, -1), windows);
  const channels = filter.shape[2] ?? 0;
  if (windows.some(({ stride }) => stride !== 1)) {
    return placeWindows(g, dy, filterPerChannel(g, filter), windows, channels);
  }
  // Without strides it is itself a convolution, with the filter turned round, and the kernel for groups is twice as fast.
  const turned = transpose(g, reverse(g, filter, [0, 1]), [2, 3, 0, 1]);
  return convolveGroups(g, dy, turned, windows.map(turnedAxis), channels);
}

function turnedAxis({ input, output, size, dilation, before }: WindowAxis): WindowAxis {
  return { input: output, output: input, size, stride: 1, dilation, before: (size - 1) * dilation - before };
}

function requireLast({ dataFormat = "NHWC" }: Conv2dAttributes): void {
  if (dataFormat !== "NHWC") throw new Error(`it has the dataFormat ${dataFormat}`);
}

/** Convolutions of each channel with filters of its own. */
export const depthwiseKernels: KernelTable = {
  DepthwiseConv2dNative: kernel<Tf.DepthwiseConv2dNativeAttrs>(({ g, attrs, input }) =>
    depthwise(g, attrs, input("x"), input("filter")),
  ),
  FusedDepthwiseConv2D: kernel<Tf.FusedDepthwiseConv2DAttrs>((call) => {
    const { g, attrs, input } = call;
    return finish(g, depthwise(g, attrs, input("x"), input("filter")), call);
  }),
  DepthwiseConv2dNativeBackpropFilter: kernel<Tf.DepthwiseConv2dNativeBackpropFilterAttrs>(({ g, attrs, input }) => {
    const [x, dy] = [input("x"), input("dy")];
    const windows = conv2dWindows(attrs, x.shape, attrs.filterShape, true);
    return depthwiseFilterGradient(g, x, dy, windows, [...attrs.filterShape]);
  }),
  DepthwiseConv2dNativeBackpropInput: kernel<Tf.DepthwiseConv2dNativeBackpropInputAttrs>(({ g, attrs, input }) => {
    const filter = input("filter");
    const windows = conv2dWindows(attrs, attrs.inputShape, filter.shape, true);
    return depthwiseInputGradient(g, input("dy"), filter, windows);
  }),
};
