import { fc } from "@fast-check/vitest";
import type * as Tf from "@tensorflow/tfjs-core";
import type { KernelCase, KernelCases } from "./traced-cases.js";
import { anyNumber, anyTensor, booleans, integers, usual } from "./traced-inputs.js";
import { tf, type Given, type Sample, type Tolerance } from "./traced.js";

type Unary = (x: Tf.Tensor) => Tf.Tensor;
type Options = Pick<Sample, "gradient" | "tolerance" | "gradientTolerance">;

/** Functions that onnxruntime computes in float32 and tfjs in float64. */
const rounded: Tolerance = { ulps: 4, of: "element", absolute: 1e-37 };
/** Gradients multiply several such results. */
const roundedGradient: Tolerance = { ulps: 8, of: "element", absolute: 1e-37 };
const exact = { gradient: true } as const;
const usualFunction = { gradient: true, tolerance: rounded, gradientTolerance: roundedGradient } as const;

const floats = (run: Unary, options: Options): KernelCase => ({
  name: "float32, everywhere",
  samples: anyTensor(anyNumber, "float32").map((x): Sample => ({
    inputs: [x],
    run: (t) => run(t),
    ...options,
  })),
});

const typed = (dtype: "int32" | "bool", run: Unary, options: Options = {}): KernelCase => ({
  name: dtype,
  samples: anyTensor(dtype === "bool" ? booleans : integers, dtype).map((x): Sample => ({
    inputs: [x],
    run: (t) => run(t),
    ...options,
  })),
  runs: 10,
});

/** Whose results lie between -1 and 1, or whose terms do: the error is one of numbers near 1. */
const nearOne = (error: number): Options => ({
  gradient: true,
  tolerance: { ...rounded, absolute: error },
  gradientTolerance: { ...roundedGradient, absolute: 8 * error },
});

const casts = fc.constantFrom("float32", "int32", "bool");
/** Of numbers too large for an int32 tfjs keeps the last 32 bits; the graph makes them 0. */
const castable = fc.oneof(
  usual,
  fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, -0, 2_147_483_520, -2_147_483_520),
);

export const unaryCases: KernelCases = {
  Identity: [floats((x) => tf.clone(x), exact), typed("int32", (x) => tf.clone(x)), typed("bool", (x) => tf.clone(x))],
  Abs: [floats((x) => tf.abs(x), exact), typed("int32", (x) => tf.abs(x))],
  Neg: [floats((x) => tf.neg(x), exact), typed("int32", (x) => tf.neg(x))],
  Sign: [floats((x) => tf.sign(x), exact), typed("int32", (x) => tf.sign(x))],
  Floor: [floats((x) => tf.floor(x), exact)],
  Ceil: [floats((x) => tf.ceil(x), exact)],
  Round: [
    floats((x) => tf.round(x), exact),
    typed("int32", (x) => tf.round(x)),
    {
      name: "halves go to the even neighbour",
      samples: anyTensor(integers.map((value) => value / 2)).map((x): Sample => ({
        inputs: [x],
        run: (t) => tf.round(t),
      })),
    },
  ],
  Square: [floats((x) => tf.square(x), { gradient: true, tolerance: rounded }), typed("int32", (x) => tf.square(x))],
  Sqrt: [floats((x) => tf.sqrt(x), usualFunction)],
  Rsqrt: [floats((x) => tf.rsqrt(x), usualFunction)],
  Reciprocal: [floats((x) => tf.reciprocal(x), usualFunction)],
  Exp: [floats((x) => tf.exp(x), usualFunction), typed("int32", (x) => tf.exp(x), { tolerance: rounded })],
  Log: [floats((x) => tf.log(x), usualFunction)],
  Log1p: [floats((x) => tf.log1p(x), usualFunction), near(0, (x) => tf.log1p(x)), near(-1, (x) => tf.log1p(x))],
  Expm1: [floats((x) => tf.expm1(x), usualFunction), near(0, (x) => tf.expm1(x))],
  // tfjs' own approximation is off by up to 1.5e-7.
  Erf: [floats((x) => tf.erf(x), nearOne(3e-7))],
  Sin: [floats((x) => tf.sin(x), { ...nearOne(1e-7) })],
  Cos: [floats((x) => tf.cos(x), { ...nearOne(1e-7) })],
  Tan: [floats((x) => tf.tan(x), { ...nearOne(1e-7) })],
  Asin: [floats((x) => tf.asin(x), usualFunction)],
  Acos: [floats((x) => tf.acos(x), usualFunction)],
  Atan: [floats((x) => tf.atan(x), usualFunction)],
  Sinh: [floats((x) => tf.sinh(x), usualFunction)],
  Cosh: [floats((x) => tf.cosh(x), usualFunction)],
  Tanh: [floats((x) => tf.tanh(x), nearOne(1e-7))],
  Asinh: [floats((x) => tf.asinh(x), usualFunction)],
  Acosh: [floats((x) => tf.acosh(x), usualFunction)],
  Atanh: [floats((x) => tf.atanh(x), usualFunction)],
  IsNan: [floats((x) => tf.isNaN(x), {}), typed("int32", (x) => tf.isNaN(x))],
  IsInf: [floats((x) => tf.isInf(x), {}), typed("int32", (x) => tf.isInf(x))],
  IsFinite: [floats((x) => tf.isFinite(x), {}), typed("int32", (x) => tf.isFinite(x))],
  ClipByValue: [
    {
      name: "bounds, infinite ones among them",
      samples: fc
        .tuple(anyTensor(anyNumber), fc.constantFrom(-Infinity, -1.5, 0), fc.constantFrom(0.25, 6, Infinity))
        .map(([x, min, max]): Sample => ({
          what: { min, max },
          inputs: [x],
          run: (t) => tf.clipByValue(t, min, max),
          gradient: true,
        })),
    },
    typed("int32", (x) => tf.clipByValue(x, -2, 5)),
  ],
  Cast: [
    {
      name: "from every dtype to every other",
      samples: fc
        .tuple(
          fc.oneof(anyTensor(castable), anyTensor(integers, "int32"), anyTensor(booleans, "bool")),
          casts.chain((dtype) => fc.constant(dtype)),
        )
        .filter(([x, dtype]) => x.dtype !== dtype)
        .map(([x, dtype]): Sample => ({ what: dtype, inputs: [x], run: (t) => tf.cast(t, dtype) })),
      runs: 60,
    },
  ],
};

/** Numbers at every small distance from a point. */
function near(point: number, run: Unary): KernelCase {
  const distances = fc
    .tuple(fc.integer({ min: -40, max: -1 }), fc.float({ min: -1, max: 1, noNaN: true }))
    .map(([exponent, factor]) => Math.fround(point + factor * 2 ** exponent));
  return {
    name: `near ${point}`,
    samples: anyTensor(distances, "float32", { minRank: 1, empty: false }).map((x: Given): Sample => ({
      inputs: [x],
      run: (t) => run(t),
      tolerance: rounded,
    })),
    runs: 40,
  };
}
