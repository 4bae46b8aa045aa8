import { sizeOf } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "../ir/builder.js";
import { add } from "../ir/ops/elementwise.js";
import { gemm, matMul } from "../ir/ops/matmul.js";
import { reshape, transpose } from "../ir/ops/shape.js";
import type { Value } from "../ir/types.js";
import { kernel, type KernelTable } from "../trace/kernel.js";
import { fusedActivation } from "./activation.js";

interface Transposes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** The product of the last two dimensions, for each element of those before; a Gemm where there is only one. */
function product(g: GraphBuilder, a: Value, b: Value, { transposeA, transposeB }: Transposes): Value {
  const [outerA, outerB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  if (a.dtype === "float32" && sizeOf(outerA) === 1 && sizeOf(outerB) === 1) {
    const left = reshape(g, a, a.shape.slice(-2));
    const right = reshape(g, b, b.shape.slice(-2));
    const result = gemm(g, left, right, { transA: transposeA, transB: transposeB });
    return reshape(g, result, [...(outerA.length >= outerB.length ? outerA : outerB), ...result.shape]);
  }
  return matMul(g, transposeA ? swapLast(g, a) : a, transposeB ? swapLast(g, b) : b);
}

function swapLast(g: GraphBuilder, x: Value): Value {
  const axes = x.shape.map((_, index) => index);
  return transpose(g, x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}

/** Matrix products. */
export const matrixKernels: KernelTable = {
  BatchMatMul: kernel<Tf.BatchMatMulAttrs>(({ g, attrs, input }) => product(g, input("a"), input("b"), attrs)),
  _FusedMatMul: kernel<Tf._FusedMatMulAttrs>(({ g, attrs, input, optional }) => {
    const result = product(g, input("a"), input("b"), attrs);
    const bias = optional("bias");
    const shifted = bias === undefined ? result : add(g, result, bias);
    return fusedActivation(g, shifted, attrs.activation, attrs.leakyreluAlpha, optional("preluActivationWeights"));
  }),
};
