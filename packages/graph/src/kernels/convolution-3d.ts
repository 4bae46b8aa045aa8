import type * as Tf from "@tensorflow/tfjs-core";
import type { Shape } from "../ir/types.js";
import { loadCore } from "../tfjs.js";
import { kernel, type KernelTable } from "../trace/kernel.js";
import { convolve, filterGradient, inputGradient } from "./convolution.js";
import { windows3d, type Windows } from "./windows.js";

interface Attributes {
  readonly strides: [number, number, number] | number;
  readonly pad: "valid" | "same";
  readonly dataFormat?: "NDHWC" | "NCDHW";
  readonly dilations?: [number, number, number] | number;
}

function windowsOf(
  { strides, pad, dataFormat = "NDHWC", dilations = 1 }: Attributes,
  x: Shape,
  filter: Shape,
): Windows {
  if (dataFormat !== "NDHWC") throw new Error(`it has the dataFormat ${dataFormat}`);
  return windows3d(loadCore().backend_util.computeConv3DInfo(five(x), five(filter), strides, dilations, pad));
}

export function five([a = 0, b = 0, c = 0, d = 0, e = 0]: Shape): [number, number, number, number, number] {
  return [a, b, c, d, e];
}

/** Convolutions of three dimensions and their gradients. */
export const convolution3dKernels: KernelTable = {
  Conv3D: kernel<Tf.Conv3DAttrs>(({ g, attrs, input }) => {
    const [x, filter] = [input("x"), input("filter")];
    return convolve(g, x, filter, windowsOf(attrs, x.shape, filter.shape));
  }),
  Conv3DBackpropFilterV2: kernel<Tf.Conv3DBackpropFilterV2Attrs>(({ g, attrs, input }) => {
    const [x, dy] = [input("x"), input("dy")];
    return filterGradient(g, x, dy, windowsOf(attrs, x.shape, attrs.filterShape), [...attrs.filterShape]);
  }),
  Conv3DBackpropInputV2: kernel<Tf.Conv3DBackpropInputV2Attrs>(({ g, attrs, input }) => {
    const filter = input("filter");
    return inputGradient(g, input("dy"), filter, windowsOf(attrs, attrs.inputShape, filter.shape));
  }),
};
