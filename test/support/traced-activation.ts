import { fc } from "@fast-check/vitest";
import type * as Tf from "@tensorflow/tfjs-core";
import type { KernelCase, KernelCases } from "./traced-cases.js";
import { anyNumber, anyTensor, few, integers, quarters, shapes, tensors, usual } from "./traced-inputs.js";
import { tf, type Given, type Sample, type Tolerance } from "./traced.js";

type Unary = (x: Tf.Tensor) => Tf.Tensor;

/** onnxruntime computes exp(x) - 1 and the like in float32, tfjs in float64: near 0 an error of the last place of 1 is left. */
const nearOne: Tolerance = { ulps: 4, of: "element", absolute: 1.2e-7 };
const gradientNearOne: Tolerance = { ulps: 16, of: "element", absolute: 1e-6 };

const floats = (run: Unary, options: Partial<Sample> = {}): KernelCase => ({
  name: "float32, everywhere",
  samples: anyTensor(anyNumber).map((x): Sample => ({
    inputs: [x],
    run: (t) => run(t),
    gradient: true,
    ...options,
  })),
});

const whole = (run: Unary): KernelCase => ({
  name: "int32",
  samples: anyTensor(integers, "int32").map((x): Sample => ({ inputs: [x], run: (t) => run(t) })),
  runs: 15,
});

const smooth = { tolerance: nearOne, gradientTolerance: gradientNearOne } as const;
const alphas = fc.constantFrom(0, 0.25, 0.5, -1, 3).map(Math.fround);
const scaled: Tolerance = { ulps: 2, of: "element", absolute: 1e-37 };

const softmaxes = (element: fc.Arbitrary<number>, options: Partial<Sample>): fc.Arbitrary<Sample> =>
  shapes({ minRank: 1, maxRank: 4, maxExtent: 5 })
    .chain((shape) => tensors(shape, element))
    .map((x): Sample => ({ inputs: [x], run: (t) => tf.softmax(t), ...options }));

/** A direct call, because tfjs' own functions use some kernels only inside of gradients. */
function call(kernelName: string, inputs: Record<string, Tf.Tensor>, attrs: Record<string, number> = {}): Tf.Tensor {
  return tf.engine().runKernel(kernelName, inputs, attrs);
}

export const activationCases: KernelCases = {
  Relu: [floats((x) => tf.relu(x)), whole((x) => tf.relu(x))],
  Relu6: [floats((x) => tf.relu6(x)), whole((x) => tf.relu6(x))],
  Elu: [floats((x) => tf.elu(x), smooth)],
  EluGrad: [
    {
      name: "signs and NaN",
      samples: shapes()
        .chain((shape) => fc.tuple(tensors(shape, anyNumber), tensors(shape, anyNumber)))
        .map((inputs): Sample => ({
          inputs,
          run: (dy, y) => call("EluGrad", { dy, y }),
          tolerance: { ulps: 2, of: "element", absolute: 1e-37 },
        })),
    },
  ],
  Selu: [
    floats((x) => tf.selu(x), {
      tolerance: { ulps: 4, of: "element", absolute: 3e-7 },
      gradientTolerance: gradientNearOne,
    }),
  ],
  Sigmoid: [floats((x) => tf.sigmoid(x), smooth)],
  Softplus: [floats((x) => tf.softplus(x), smooth)],
  LeakyRelu: [
    {
      name: "any slope",
      samples: fc.tuple(anyTensor(anyNumber), alphas).map(([x, alpha]): Sample => ({
        what: { alpha },
        inputs: [x],
        run: (t) => tf.leakyRelu(t, alpha),
        gradient: true,
        tolerance: scaled,
      })),
    },
    whole((x) => tf.leakyRelu(x, 0.5)),
  ],
  Prelu: [
    {
      name: "a slope for each element or for each of the last dimension",
      samples: shapes({ minRank: 1, empty: false })
        .chain((shape) => {
          const own = fc.constantFrom(shape, shape.slice(-1));
          return fc.tuple(
            tensors(shape, fc.oneof(quarters, few)),
            own.chain((alpha) => tensors(alpha, quarters)),
          );
        })
        .map((inputs): Sample => ({ inputs, run: (x, alpha) => tf.prelu(x, alpha), gradient: true })),
    },
    {
      name: "NaN and infinity",
      samples: shapes()
        .chain((shape) => fc.tuple(tensors(shape, anyNumber), tensors(shape, anyNumber)))
        .map((inputs): Sample => ({ inputs, run: (x, alpha) => tf.prelu(x, alpha), tolerance: scaled })),
    },
  ],
  Step: [
    {
      name: "any value below 0, the smallest numbers, NaN",
      samples: fc
        .tuple(anyTensor(fc.oneof(anyNumber, fc.constantFrom(1e-39, -1e-39, 1.5e-45))), alphas)
        .map(([x, alpha]): Sample => ({ what: { alpha }, inputs: [x], run: (t) => tf.step(t, alpha) })),
      runs: 80,
    },
    {
      name: "int32",
      samples: anyTensor(integers, "int32").map((x: Given): Sample => ({
        inputs: [x],
        run: (t) => tf.step(t),
      })),
      runs: 15,
    },
  ],
  Softmax: [
    {
      name: "usual numbers, with gradients",
      samples: softmaxes(usual, {
        gradient: true,
        tolerance: { ulps: 8, of: "element" },
        gradientTolerance: { ulps: 8, of: "tensor", absolute: 2e-7 },
      }),
    },
    {
      name: "NaN and infinity",
      samples: softmaxes(anyNumber, { tolerance: { ulps: 8, of: "element", absolute: 1e-37 } }),
    },
  ],
};
