import type * as Tf from "@tensorflow/tfjs-core";
import { add, mul, sub, unary } from "../ir/ops/elementwise.js";
import { kernel, type KernelTable } from "../trace/kernel.js";

/** Normalisation with given means and variances, which broadcast to x. */
export const normalizationKernels: KernelTable = {
  FusedBatchNorm: kernel<Tf.FusedBatchNormAttrs>(({ g, attrs, input, optional }) => {
    const [scale, offset] = [optional("scale"), optional("offset")];
    const variance = add(g, input("variance"), g.scalar(attrs.varianceEpsilon));
    const inverse = unary(g, "Reciprocal", unary(g, "Sqrt", variance));
    // First everything per channel, then three operations on all elements.
    const factor = scale === undefined ? inverse : mul(g, scale, inverse);
    const scaled = mul(g, sub(g, input("x"), input("mean")), factor);
    return offset === undefined ? scaled : add(g, scaled, offset);
  }),
};
