import type * as Tf from "@tensorflow/tfjs-core";
import type { Value } from "../ir/types.js";
import { conv2dWindows, type Conv2dAttributes } from "../kernels/convolution.js";
import { pool2d } from "../kernels/pooling.js";
import { axesOf } from "../kernels/reduction.js";
import type { KernelCall } from "../trace/kernel.js";
import { blockedConvolution, blockedInputGradient } from "./convolve.js";
import { blockedDepthwise, blockedDepthwiseFilterGradient, blockedDepthwiseInputGradient } from "./depthwise.js";
import {
  blockedAdd,
  blockedAddAll,
  blockedDiv,
  blockedMul,
  blockedRelu,
  blockedSquaredDifference,
  blockedStep,
  blockedSub,
  blockedUnary,
} from "./elementwise.js";
import { blockedFilterGradient } from "./filter-gradient.js";
import type { Blocks } from "./operators.js";
import { blockedMaxGradient, blockedMeanGradient, blockedPooling } from "./pooling.js";
import { blockedNormalisation, blockedReduction } from "./reductions.js";

/** Lowers a kernel with blocked operators; undefined where they do not fit or are not worth it. */
export type BlockedKernel = (b: Blocks, call: KernelCall) => Value | undefined;

/** A lowering with the attributes that tfjs gives to this kernel, as `kernel` of the trace. */
function blocked<Attributes>(lower: (b: Blocks, call: KernelCall<Attributes>) => Value | undefined): BlockedKernel {
  // tfjs pairs kernels with their attributes by name alone, so nothing could check this.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return (b, call) => lower(b, call as KernelCall<Attributes>);
}

type Binary = (b: Blocks, x: Value, y: Value) => Value | undefined;
const binary = (lower: Binary): BlockedKernel => blocked((b, { input }) => lower(b, input("a"), input("b")));
const one = (op: string): BlockedKernel => blocked((b, { input }) => blockedUnary(b, input("x"), op));

interface Reduction {
  readonly axis?: number | number[] | null;
  readonly keepDims?: boolean;
}
const reduction = (op: "sum" | "mean"): BlockedKernel =>
  blocked<Reduction>((b, { attrs, input }) => {
    const x = input("x");
    return blockedReduction(b, op, x, axesOf(attrs.axis, x), attrs.keepDims === true);
  });

function isLast({ dataFormat = "NHWC" }: Conv2dAttributes): boolean {
  return dataFormat === "NHWC";
}

function conv2d(b: Blocks, attrs: Conv2dAttributes, x: Value, filter: Value): Value | undefined {
  return isLast(attrs) ? blockedConvolution(b, x, filter, conv2dWindows(attrs, x.shape, filter.shape)) : undefined;
}

type Fused = Conv2dAttributes & Pick<Tf.FusedConv2DAttrs, "activation">;

/** Bias and relu that tfjs fused into a convolution; other activations are left to the usual lowering. */
function finished(b: Blocks, y: Value | undefined, { attrs, optional }: KernelCall<Fused>): Value | undefined {
  const bias = optional("bias");
  const shifted = y === undefined || bias === undefined ? y : blockedAdd(b, y, bias);
  return attrs.activation === "relu" ? shifted && blockedRelu(b, shifted) : shifted;
}

function isKnown({ activation }: Fused): boolean {
  return [undefined, null, "linear", "relu"].includes(activation);
}

/** Begin to use blocks, where pictures and filters are large enough. */
export const blockedConvolutions: Readonly<Record<string, BlockedKernel>> = {
  Conv2D: blocked<Tf.Conv2DAttrs>((b, { attrs, input }) => conv2d(b, attrs, input("x"), input("filter"))),
  FusedConv2D: blocked<Fused>((b, call) => {
    const { attrs, input } = call;
    return isKnown(attrs) ? finished(b, conv2d(b, attrs, input("x"), input("filter")), call) : undefined;
  }),
  Conv2DBackpropInput: blocked<Tf.Conv2DBackpropInputAttrs>((b, { attrs, input }) => {
    const [dy, filter] = [input("dy"), input("filter")];
    const windows = conv2dWindows(attrs, attrs.inputShape, filter.shape);
    return isLast(attrs) && isSameOutput(dy, windows) ? blockedInputGradient(b, dy, filter, windows) : undefined;
  }),
  Conv2DBackpropFilter: blocked<Tf.Conv2DBackpropFilterAttrs>((b, { attrs, input }) => {
    const [x, dy] = [input("x"), input("dy")];
    const windows = conv2dWindows(attrs, x.shape, attrs.filterShape);
    if (!isLast(attrs) || !isSameOutput(dy, windows)) return undefined;
    return blockedFilterGradient(b, x, dy, windows, [...attrs.filterShape]);
  }),
};

/** Go on in blocks, where a value is at hand in them. */
export const blockedFollowers: Readonly<Record<string, BlockedKernel>> = {
  Add: binary(blockedAdd),
  Sub: binary(blockedSub),
  Multiply: binary(blockedMul),
  RealDiv: binary(blockedDiv),
  SquaredDifference: binary(blockedSquaredDifference),
  AddN: (b, { list }) => blockedAddAll(b, list),
  Square: blocked((b, { input }) => blockedMul(b, input("x"), input("x"))),
  Sum: reduction("sum"),
  Mean: reduction("mean"),
  FusedBatchNorm: blocked<Tf.FusedBatchNormAttrs>((b, { attrs, input, optional }) =>
    blockedNormalisation(
      b,
      input("x"),
      [input("mean"), input("variance")],
      [optional("scale"), optional("offset")],
      attrs.varianceEpsilon,
    ),
  ),
  Relu: blocked((b, { input }) => blockedRelu(b, input("x"))),
  Step: blocked<Tf.StepAttrs>((b, { attrs, input }) =>
    (attrs.alpha ?? 0) === 0 ? blockedStep(b, input("x")) : undefined,
  ),
  Sigmoid: one("Sigmoid"),
  Tanh: one("Tanh"),
  Elu: one("Elu"),
  Selu: one("Selu"),
  Softplus: one("Softplus"),
  LeakyRelu: blocked<Tf.LeakyReluAttrs>((b, { attrs, input }) =>
    blockedUnary(b, input("x"), "LeakyRelu", { alpha: { float: attrs.alpha } }),
  ),
  DepthwiseConv2dNative: blocked<Tf.DepthwiseConv2dNativeAttrs>((b, { attrs, input }) => {
    const [x, filter] = [input("x"), input("filter")];
    return isLast(attrs)
      ? blockedDepthwise(b, x, filter, conv2dWindows(attrs, x.shape, filter.shape, true))
      : undefined;
  }),
  FusedDepthwiseConv2D: blocked<Fused>((b, call) => {
    const { attrs, input } = call;
    const [x, filter] = [input("x"), input("filter")];
    if (!isLast(attrs) || !isKnown(attrs)) return undefined;
    return finished(b, blockedDepthwise(b, x, filter, conv2dWindows(attrs, x.shape, filter.shape, true)), call);
  }),
  DepthwiseConv2dNativeBackpropInput: blocked<Tf.DepthwiseConv2dNativeBackpropInputAttrs>((b, { attrs, input }) => {
    const [dy, filter] = [input("dy"), input("filter")];
    const windows = conv2dWindows(attrs, attrs.inputShape, filter.shape, true);
    return isSameOutput(dy, windows) ? blockedDepthwiseInputGradient(b, dy, filter, windows) : undefined;
  }),
  DepthwiseConv2dNativeBackpropFilter: blocked<Tf.DepthwiseConv2dNativeBackpropFilterAttrs>((b, { attrs, input }) => {
    const [x, dy] = [input("x"), input("dy")];
    const windows = conv2dWindows(attrs, x.shape, attrs.filterShape, true);
    if (!isSameOutput(dy, windows)) return undefined;
    return blockedDepthwiseFilterGradient(b, x, dy, windows, [...attrs.filterShape]);
  }),
  MaxPool: blocked<Tf.MaxPoolAttrs>((b, { attrs, input }) =>
    blockedPooling(b, "MaxPool", input("x"), pool2d(attrs, input("x"))),
  ),
  AvgPool: blocked<Tf.AvgPoolAttrs>((b, { attrs, input }) =>
    blockedPooling(b, "AveragePool", input("x"), pool2d(attrs, input("x"))),
  ),
  MaxPoolGrad: blocked<Tf.MaxPoolGradAttrs>((b, { attrs, input }) => {
    const [dy, x, y] = [input("dy"), input("input"), input("output")];
    const windows = pool2d(attrs, x);
    return isSameOutput(dy, windows) ? blockedMaxGradient(b, dy, x, y, windows) : undefined;
  }),
  AvgPoolGrad: blocked<Tf.AvgPoolGradAttrs>((b, { attrs, input }) => {
    const [dy, x] = [input("dy"), input("input")];
    const windows = pool2d(attrs, x);
    return isSameOutput(dy, windows) ? blockedMeanGradient(b, dy, x, windows) : undefined;
  }),
};

/** Else the usual lowering refuses it by name. */
function isSameOutput(dy: Value, windows: ReturnType<typeof pool2d>): boolean {
  return windows.every(({ output }, index) => output === dy.shape[index + 1]);
}
