import type * as Tf from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "../ir/builder.js";
import { add, cast, clip, compare, isNan, mul, unary, where } from "../ir/ops/elementwise.js";
import { heaviside } from "../ir/ops/heaviside.js";
import type { Value } from "../ir/types.js";
import { kernel, type KernelTable } from "../trace/kernel.js";

/** The activation that tfjs fuses into a product or a convolution. */
export function fusedActivation(
  g: GraphBuilder,
  x: Value,
  name: string | null | undefined,
  alpha: number | undefined,
  prelu: Value | undefined,
): Value {
  switch (name) {
    case undefined:
    case null:
    case "linear":
      return x;
    case "relu":
      return unary(g, "Relu", x);
    case "relu6":
      return clip(g, x, 0, 6);
    case "elu":
      return unary(g, "Elu", x);
    case "sigmoid":
      return unary(g, "Sigmoid", x);
    case "leakyrelu":
      return leakyRelu(g, x, alpha ?? 0.2);
    case "prelu":
      if (prelu !== undefined) return preluOf(g, x, prelu);
  }
  throw new Error(`it fuses the activation ${name}`);
}

function relu(g: GraphBuilder, x: Value): Value {
  return x.dtype === "float32" ? unary(g, "Relu", x) : clip(g, x, 0, Infinity);
}

function leakyRelu(g: GraphBuilder, given: Value, alpha: number): Value {
  return unary(g, "LeakyRelu", cast(g, given, "float32"), { alpha: { float: alpha } });
}

function preluOf(g: GraphBuilder, given: Value, alpha: Value): Value {
  const x = cast(g, given, "float32");
  return where(g, compare(g, "Less", x, g.scalar(0)), mul(g, cast(g, alpha, "float32"), x), x);
}

/** 1 where x > 0, `alpha` elsewhere, NaN where x is NaN. */
function step(g: GraphBuilder, x: Value, alpha: number): Value {
  if (x.dtype !== "float32") {
    const isPositive = compare(g, "Greater", x, g.scalar(0, x.dtype));
    return where(g, isPositive, g.scalar(1, x.dtype), g.scalar(alpha, x.dtype));
  }
  if (alpha === 0) return heaviside(g, x);
  const chosen = where(g, compare(g, "Greater", x, g.scalar(0)), g.scalar(1), g.scalar(alpha));
  return where(g, isNan(g, x), x, chosen);
}

function eluGrad(g: GraphBuilder, dy: Value, y: Value): Value {
  return where(g, compare(g, "GreaterOrEqual", y, g.scalar(0)), dy, mul(g, dy, add(g, y, g.scalar(1))));
}

/** For int32 tfjs cuts off the fraction of the result. */
function floatOnly(x: Value): Value {
  if (x.dtype !== "float32") throw new Error(`it computes with ${x.dtype}`);
  return x;
}

/** Activations and their gradients. */
export const activationKernels: KernelTable = {
  Relu: kernel(({ g, input }) => relu(g, input("x"))),
  Relu6: kernel(({ g, input }) => clip(g, input("x"), 0, 6)),
  Elu: kernel(({ g, input }) => unary(g, "Elu", input("x"))),
  EluGrad: kernel(({ g, input }) => eluGrad(g, input("dy"), input("y"))),
  Selu: kernel(({ g, input }) => unary(g, "Selu", floatOnly(input("x")))),
  Sigmoid: kernel(({ g, input }) => unary(g, "Sigmoid", input("x"))),
  Softplus: kernel(({ g, input }) => unary(g, "Softplus", floatOnly(input("x")))),
  LeakyRelu: kernel<Tf.LeakyReluAttrs>(({ g, attrs, input }) => leakyRelu(g, input("x"), attrs.alpha)),
  Prelu: kernel(({ g, input }) => preluOf(g, input("x"), input("alpha"))),
  Step: kernel<Tf.StepAttrs>(({ g, attrs, input }) => step(g, input("x"), attrs.alpha ?? 0)),
  Softmax: kernel<Tf.SoftmaxAttrs>(({ g, attrs, input }) => {
    const logits = input("logits");
    return unary(g, "Softmax", logits, { axis: attrs.dim < 0 ? attrs.dim + logits.shape.length : attrs.dim });
  }),
};
