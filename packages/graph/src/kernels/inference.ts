import type * as Tf from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "../ir/builder.js";
import { pool } from "../ir/ops/pooling.js";
import { slice, transpose } from "../ir/ops/shape.js";
import type { Value } from "../ir/types.js";
import { kernel, type KernelFunction, type KernelTable } from "../trace/kernel.js";
import {
  channelsFirst,
  channelsLast,
  conv2dWindows,
  convolve,
  convolveGroups,
  type Conv2dAttributes,
} from "./convolution.js";
import { finish } from "./convolution-2d.js";
import { avgPoolKernel, maxPoolKernel, pool2d, type Pool2dAttributes } from "./pooling.js";
import { isAllPadding, paddingOf, usedEnd } from "./windows.js";

/**
 * ONNX' operators for whole layers. With constant weights onnxruntime computes these in blocked layouts, faster than the products that
 * training uses; and the graph is one that people recognise.
 */
function conv2d(g: GraphBuilder, attrs: Conv2dAttributes, x: Value, filter: Value): Value {
  const windows = conv2dWindows(attrs, x.shape, filter.shape);
  const isFirst = attrs.dataFormat === "NCHW";
  const last = isFirst ? channelsLast(g, x) : x;
  const isProduct = windows.every(({ size, stride }) => size === 1 && stride === 1);
  const y = isProduct
    ? convolve(g, last, filter, windows)
    : convolveGroups(g, last, transpose(g, filter, [3, 2, 0, 1]), windows, 1);
  return isFirst ? channelsFirst(g, y) : y;
}

/** To onnxruntime's MaxPool the maximum of nothing but -Infinity is the lowest float32. */
function pooling(op: "MaxPool" | "AveragePool", inGeneral: KernelFunction): KernelFunction {
  return kernel<Pool2dAttributes>((call) => {
    const { g, attrs, input } = call;
    const x = input("x");
    const windows = pool2d(attrs, x);
    // ONNX wants padding to be less than a window.
    const isBeyond = windows.some((axis) => isAllPadding(axis) || paddingOf(axis).some((pads) => pads >= axis.size));
    if (x.dtype !== "float32" || isBeyond) return inGeneral(call);
    const used = windows.map((axis, index) => ({
      axis: index + 1,
      start: Math.max(0, -axis.before),
      end: usedEnd(axis),
    }));
    const axes = windows.map((axis) => ({ size: axis.size, stride: axis.stride, pads: paddingOf(axis) }));
    return channelsLast(g, pool(g, op, channelsFirst(g, slice(g, x, used)), axes));
  });
}

/** What takes the place of training's lowerings where a graph only predicts. */
export const inferenceKernels: KernelTable = {
  Conv2D: kernel<Tf.Conv2DAttrs>(({ g, attrs, input }) => conv2d(g, attrs, input("x"), input("filter"))),
  FusedConv2D: kernel<Tf.FusedConv2DAttrs>((call) => {
    const { g, attrs, input } = call;
    return finish(g, conv2d(g, attrs, input("x"), input("filter")), call);
  }),
  MaxPool: pooling("MaxPool", maxPoolKernel),
  AvgPool: pooling("AveragePool", avgPoolKernel),
};
