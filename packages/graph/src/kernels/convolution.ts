import { sizeOf } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "../ir/builder.js";
import { conv, convTranspose, type TransposedAxis } from "../ir/ops/convolution.js";
import { gemm } from "../ir/ops/matmul.js";
import { concat, gather, pad, reshape, slice, transpose } from "../ir/ops/shape.js";
import type { Shape, Value } from "../ir/types.js";
import { loadCore } from "../tfjs.js";
import {
  elementsOfWindows,
  isAllPadding,
  outputsOf,
  padForWindows,
  paddingOf,
  reachOf,
  tapOf,
  tapsOf,
  usedEnd,
  windows2d,
  type WindowAxis,
  type Windows,
} from "./windows.js";

/** What tfjs' kernels of two-dimensional convolutions have in common. */
export interface Conv2dAttributes {
  readonly strides: [number, number] | number;
  readonly pad: Tf.Conv2DAttrs["pad"];
  readonly dataFormat?: "NHWC" | "NCHW";
  readonly dilations?: [number, number] | number;
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

/** @param x the shape of the input, in the data format of the attributes */
export function conv2dWindows(attrs: Conv2dAttributes, x: Shape, filter: Shape, isDepthwise = false): Windows {
  const { strides, pad: padding, dataFormat = "NHWC", dilations, dimRoundingMode } = attrs;
  const { computeConv2DInfo } = loadCore().backend_util;
  const format = dataFormat === "NCHW" ? "channelsFirst" : "channelsLast";
  return windows2d(
    computeConv2DInfo(four(x), four(filter), strides, dilations ?? 1, padding, dimRoundingMode, isDepthwise, format),
  );
}

export function four([a = 0, b = 0, c = 0, d = 0]: Shape): [number, number, number, number] {
  return [a, b, c, d];
}

/** [batch, channels, ...spatial] as [batch, ...spatial, channels]. */
export function channelsLast(g: GraphBuilder, x: Value): Value {
  const spatial = x.shape.slice(2).map((_, index) => index + 2);
  return transpose(g, x, [0, ...spatial, 1]);
}

/** [batch, ...spatial, channels] as [batch, channels, ...spatial]. */
export function channelsFirst(g: GraphBuilder, x: Value): Value {
  const spatial = x.shape.slice(2).map((_, index) => index + 1);
  return transpose(g, x, [0, x.shape.length - 1, ...spatial]);
}

/**
 * @param x [batch, ...input, channels]
 * @param filter [...size, channels, filters]
 * @returns [batch, ...output, filters]
 */
export function convolve(g: GraphBuilder, x: Value, filter: Value, windows: Windows): Value {
  const filters = filter.shape.at(-1) ?? 0;
  const { value, isTransposed } = columnsOf(g, x, windows);
  const flat = reshape(g, filter, [sizeOf(filter.shape.slice(0, -1)), filters]);
  const product = gemm(g, value, flat, { transA: isTransposed });
  return reshape(g, product, [x.shape[0] ?? 0, ...outputsOf(windows), filters]);
}

/**
 * The gradient of `convolve` for its filter.
 * @param dy [batch, ...output, filters]
 * @param shape of the filter
 */
export function filterGradient(g: GraphBuilder, x: Value, dy: Value, windows: Windows, shape: Shape): Value {
  requireOutput(dy.shape.slice(1, -1), windows);
  const { value, isTransposed } = columnsOf(g, x, windows);
  const rows = reshape(g, dy, [sizeOf(dy.shape.slice(0, -1)), dy.shape.at(-1) ?? 0]);
  return reshape(g, gemm(g, value, rows, { transA: !isTransposed }), shape);
}

/**
 * The gradient of `convolve` for its input; also what a transposed convolution computes.
 * @param dy [batch, ...output, filters]
 * @returns [batch, ...input, channels]
 */
export function inputGradient(g: GraphBuilder, dy: Value, filter: Value, windows: Windows): Value {
  requireOutput(dy.shape.slice(1, -1), windows);
  const rank = windows.length;
  const channels = filter.shape.at(-2) ?? 0;
  const [batch = 0] = dy.shape;
  if (windows.every(isPointwise)) {
    const filters = filter.shape.at(-1) ?? 0;
    const rows = reshape(g, dy, [sizeOf(dy.shape.slice(0, -1)), filters]);
    const product = gemm(g, rows, reshape(g, filter, [channels, filters]), { transB: true });
    return reshape(g, product, [batch, ...windows.map(({ input }) => input), channels]);
  }
  const swapped = transpose(g, filter, [rank + 1, rank, ...windows.map((_, index) => index)]);
  return placeWindows(g, dy, swapped, windows);
}

/**
 * Every element of dy times the filter is put where the window of that element lies, and added up.
 * @param dy [batch, ...output, filters]
 * @param filter [filters, channels / group, ...size]
 * @returns [batch, ...input, channels]
 */
export function placeWindows(g: GraphBuilder, dy: Value, filter: Value, windows: Windows, group = 1): Value {
  // Where all windows lie in the padding there is nothing that ONNX could cut out.
  if (windows.some(isAllPadding)) {
    const inputs = windows.map(({ input }) => input);
    return g.splat(0, dy.dtype, [dy.shape[0] ?? 0, ...inputs, (filter.shape[1] ?? 0) * group]);
  }
  const axes = windows.map(transposedAxis);
  const result = channelsLast(g, convTranspose(g, channelsFirst(g, dy), filter, axes, group));
  return pad(g, result, [[0, 0], ...axes.map(({ zeros }) => zeros), [0, 0]]);
}

/**
 * ONNX' own convolution.
 * @param x [batch, ...input, channels]
 * @param filter [filters, channels / group, ...size]
 * @returns [batch, ...output, filters]
 */
export function convolveGroups(g: GraphBuilder, x: Value, filter: Value, windows: Windows, group: number): Value {
  if (windows.some(isAllPadding)) {
    return g.splat(0, x.dtype, [x.shape[0] ?? 0, ...outputsOf(windows), filter.shape[0] ?? 0]);
  }
  const ranges = windows.map((axis, index) => ({
    axis: index + 1,
    start: Math.max(0, -axis.before),
    end: usedEnd(axis),
  }));
  const axes = windows.map((axis) => ({ stride: axis.stride, dilation: axis.dilation, pads: paddingOf(axis) }));
  return channelsLast(g, conv(g, channelsFirst(g, slice(g, x, ranges)), filter, axes, group));
}

/** Every window is one element, in order. */
function isPointwise({ input, output, size, stride, before }: WindowAxis): boolean {
  return size === 1 && stride === 1 && before === 0 && input === output;
}

interface PlacedAxis extends TransposedAxis {
  /** Added to the result in front and at the end. */
  readonly zeros: readonly [number, number];
}

function transposedAxis(axis: WindowAxis): PlacedAxis {
  const { input, stride, dilation, before } = axis;
  const reach = reachOf(axis);
  // Elements behind the last window, whose gradient is zero. onnxruntime adds up to stride - 1 of them at no cost.
  const missing = Math.max(0, before + input - reach);
  const extra = missing < stride ? missing : 0;
  return {
    stride,
    dilation,
    cut: [Math.max(0, before), Math.max(0, reach - before - input)],
    extra,
    zeros: [Math.max(0, -before), missing - extra],
  };
}

/** With `dimRoundingMode` tfjs' own gradients see another number of windows than the forward pass had. */
export function requireOutput(found: Shape, windows: Windows): void {
  if (windows.some(({ output }, index) => output !== found[index])) {
    throw new Error(`it has a gradient of shape [${found.join()}] for windows that differ, as with dimRoundingMode`);
  }
}

interface Columns {
  /** [windows, taps * channels], or the other way round. */
  readonly value: Value;
  readonly isTransposed: boolean;
}

/** More taps than these are gathered even of one channel, because each would be a node of its own. */
const maxSlicedTaps = 64;

/**
 * All windows as the rows of one matrix ("im2col"). The forward pass and the gradient of the filter ask for the same matrix, which is
 * then made once. Measured fastest of the ways that need no special operators: one Gather of whole pixels; for a single channel, where
 * a pixel is one number, slices of the whole image that become the rows of the transposed matrix.
 */
function columnsOf(g: GraphBuilder, x: Value, windows: Windows): Columns {
  const [batch = 0] = x.shape;
  const channels = x.shape.at(-1) ?? 0;
  const count = batch * sizeOf(outputsOf(windows));
  const taps = tapsOf(windows);
  const padded = padForWindows(g, x, windows);
  if (taps.length === 1) {
    return { value: reshape(g, tapOf(g, padded, windows, taps[0] ?? []), [count, channels]), isTransposed: false };
  }
  if (channels === 1 && taps.length <= maxSlicedTaps) {
    const rows = taps.map((position) => reshape(g, tapOf(g, padded, windows, position), [1, count]));
    return { value: concat(g, rows, 0), isTransposed: true };
  }
  const extents = padded.shape.slice(1, -1);
  const elements = elementsOfWindows(windows, extents);
  const index = g.constant(elements, "int32", [elements.length]);
  const pixels = gather(g, reshape(g, padded, [batch, sizeOf(extents), channels]), index, 1);
  return { value: reshape(g, pixels, [count, taps.length * channels]), isTransposed: false };
}
