import type * as Tf from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "../ir/builder.js";
import { cast, compare, div, largest, mul, sub, sum, unary } from "../ir/ops/elementwise.js";
import type { Value } from "../ir/types.js";
import { loadCore } from "../tfjs.js";
import { kernel, type KernelTable } from "../trace/kernel.js";
import { five } from "./convolution-3d.js";
import { four, requireOutput } from "./convolution.js";
import { beforeRelu, pooledReluGradient } from "./pooled-gradients.js";
import {
  outputsOf,
  padForWindows,
  placeAlong,
  tapsAlong,
  windows2d,
  windows3d,
  type WindowAxis,
  type Windows,
} from "./windows.js";

export interface Pool2dAttributes {
  readonly filterSize: [number, number] | number;
  readonly strides: [number, number] | number;
  readonly pad: Tf.MaxPoolAttrs["pad"];
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

interface Attributes3d {
  readonly filterSize: [number, number, number] | number;
  readonly strides: [number, number, number] | number;
  readonly pad: "valid" | "same" | number;
  readonly dataFormat?: "NDHWC" | "NCDHW";
  readonly dimRoundingMode?: "floor" | "round" | "ceil";
}

export function pool2d({ filterSize, strides, pad, dimRoundingMode }: Pool2dAttributes, { shape }: Value): Windows {
  const { computePool2DInfo } = loadCore().backend_util;
  return windows2d(computePool2DInfo(four(shape), filterSize, strides, 1, pad, dimRoundingMode));
}

function pool3d(attrs: Attributes3d, { shape }: Value): Windows {
  const { filterSize, strides, pad, dimRoundingMode, dataFormat = "NDHWC" } = attrs;
  if (dataFormat !== "NDHWC") throw new Error(`it has the dataFormat ${dataFormat}`);
  const { computePool3DInfo } = loadCore().backend_util;
  return windows3d(computePool3DInfo(five(shape), filterSize, strides, 1, pad, dimRoundingMode));
}

/** Less than any other number; what lies around the input of a maximum. */
function lowest({ dtype }: Value, windows: Windows): number {
  if (dtype === "float32") return -Infinity;
  if (dtype !== "int32") throw new Error(`it pools ${dtype}`);
  if (windows.some((axis) => countsAlong(axis).includes(0))) throw new Error("it has windows in the padding alone");
  return -2_147_483_648;
}

/**
 * The maxima of windows along one dimension after the other, the last one first: fewer operations than over all taps of a window at
 * once, the same result, and the same "first position wins, row by row" for its gradient.
 * @returns what each step had (already padded) and what it made
 */
function maxSteps(g: GraphBuilder, x: Value, windows: Windows): readonly MaxStep[] {
  const steps: MaxStep[] = [];
  const padding = lowest(x, windows);
  let before = x;
  for (const [index, axis] of [...windows.entries()].toReversed()) {
    const taps = tapsAlong(g, padForWindows(g, before, windows, padding, index), axis, index);
    before = largest(g, taps);
    steps.push({ index, axis, taps, maximum: before });
  }
  return steps;
}

interface MaxStep {
  readonly index: number;
  readonly axis: WindowAxis;
  readonly taps: readonly Value[];
  readonly maximum: Value;
}

function maxPool(g: GraphBuilder, x: Value, windows: Windows): Value {
  return maxSteps(g, x, windows).at(-1)?.maximum ?? x;
}

/**
 * The gradient goes to the first of the elements of a window that equal its maximum, or to the last one. (tfjs takes the first in two
 * dimensions and the last in three.)
 */
function maxPoolGradient(g: GraphBuilder, dy: Value, x: Value, windows: Windows, winner: "first" | "last"): Value {
  requireOutput(dy.shape.slice(1, -1), windows);
  return maxSteps(g, x, windows)
    .toReversed()
    .reduce((gradient, { index, axis, taps, maximum }) => {
      const inOrder = winner === "first" ? taps : taps.toReversed();
      const parts = share(g, gradient, inOrder, maximum);
      return placeAlong(g, winner === "first" ? parts : parts.toReversed(), axis, index);
    }, dy);
}

/**
 * Gives each element of the gradient to the first tap that equals the maximum; to the last tap where none before it does. What one tap
 * gets is taken from the rest, which is exact for finite numbers and a quarter faster than choosing with Where.
 */
function share(g: GraphBuilder, gradient: Value, taps: readonly Value[], maximum: Value): readonly Value[] {
  let rest = gradient;
  return taps.map((tap, position) => {
    if (position === taps.length - 1) return rest;
    const part = mul(g, rest, cast(g, compare(g, "Equal", tap, maximum), "float32"));
    rest = sub(g, rest, part);
    return part;
  });
}

/** Each window's sum, divided by how many of its elements exist. */
function avgPool(g: GraphBuilder, x: Value, windows: Windows): Value {
  const sums = sumWindows(g, cast(g, x, "float32"), windows);
  return cast(g, div(g, sums, countsOf(g, windows)), x.dtype);
}

export function sumWindows(g: GraphBuilder, x: Value, windows: Windows): Value {
  return [...windows.entries()]
    .toReversed()
    .reduce((value, [index, axis]) => sum(g, tapsAlong(g, padForWindows(g, value, windows, 0, index), axis, index)), x);
}

/** How many elements of each window are no padding: [...output, 1], or a scalar where all are alike. */
function countsOf(g: GraphBuilder, windows: Windows): Value {
  const counts = windows
    .map(countsAlong)
    .reduce((all, along) => all.flatMap((head) => along.map((each) => head * each)));
  const [first = 0] = counts;
  if (counts.every((count) => count === first)) return g.scalar(first);
  return g.constant(Float32Array.from(counts), "float32", [...outputsOf(windows), 1]);
}

function countsAlong({ input, output, size, stride, dilation, before }: WindowAxis): readonly number[] {
  return Array.from({ length: output }, (_, window) => {
    const elements = Array.from({ length: size }, (__, tap) => window * stride - before + tap * dilation);
    return elements.filter((element) => element >= 0 && element < input).length;
  });
}

/** As tfjs computes it: at the border too it divides by all taps of a window, those in the padding included. */
function avgPoolGradient(g: GraphBuilder, dy: Value, windows: Windows): Value {
  requireOutput(dy.shape.slice(1, -1), windows);
  const taps = windows.reduce((product, { size }) => product * size, 1);
  return placeEverywhere(g, div(g, dy, g.scalar(taps)), windows);
}

/** The reverse of `sumWindows`: each window's value is added to all elements of the window. */
function placeEverywhere(g: GraphBuilder, dy: Value, windows: Windows): Value {
  return windows.reduce(
    (value, axis, index) =>
      placeAlong(
        g,
        Array.from({ length: axis.size }, () => value),
        axis,
        index,
      ),
    dy,
  );
}

export const maxPoolKernel = kernel<Tf.MaxPoolAttrs>(({ g, attrs, input }) => {
  const x = input("x");
  const windows = pool2d(attrs, x);
  // The maximum of a relu is the relu of the maximum, of which there are fewer; but that of no elements is -Infinity.
  const before = windows.some((axis) => countsAlong(axis).includes(0)) ? undefined : beforeRelu(x);
  return before === undefined ? maxPool(g, x, windows) : unary(g, "Relu", maxPool(g, before, windows));
});

export const avgPoolKernel = kernel<Tf.AvgPoolAttrs>(({ g, attrs, input }) =>
  avgPool(g, input("x"), pool2d(attrs, input("x"))),
);

/** Pooling of two and three dimensions, and its gradients. */
export const poolingKernels: KernelTable = {
  MaxPool: maxPoolKernel,
  MaxPoolGrad: kernel<Tf.MaxPoolGradAttrs>(({ g, attrs, input }) => {
    const x = input("input");
    const windows = pool2d(attrs, x);
    const tensors = { dy: input("dy"), x, y: input("output") };
    return pooledReluGradient(g, tensors, (dy, of) => maxPoolGradient(g, dy, of, windows, "first"));
  }),
  AvgPool: avgPoolKernel,
  AvgPoolGrad: kernel<Tf.AvgPoolGradAttrs>(({ g, attrs, input }) =>
    avgPoolGradient(g, input("dy"), pool2d(attrs, input("input"))),
  ),
  MaxPool3D: kernel<Tf.MaxPool3DAttrs>(({ g, attrs, input }) => maxPool(g, input("x"), pool3d(attrs, input("x")))),
  MaxPool3DGrad: kernel<Tf.MaxPool3DGradAttrs>(({ g, attrs, input }) =>
    maxPoolGradient(g, input("dy"), input("input"), pool3d(attrs, input("input")), "last"),
  ),
  AvgPool3D: kernel<Tf.AvgPool3DAttrs>(({ g, attrs, input }) => avgPool(g, input("x"), pool3d(attrs, input("x")))),
  AvgPool3DGrad: kernel<Tf.AvgPool3DGradAttrs>(({ g, attrs, input }) =>
    avgPoolGradient(g, input("dy"), pool3d(attrs, input("input"))),
  ),
};
