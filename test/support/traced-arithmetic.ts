import { fc } from "@fast-check/vitest";
import type * as Tf from "@tensorflow/tfjs-core";
import type { KernelCase, KernelCases } from "./traced-cases.js";
import {
  anyNumber,
  anyTensor,
  booleans,
  broadcastShapes,
  few,
  integers,
  quarters,
  shapes,
  tensors,
  usual,
} from "./traced-inputs.js";
import { tf, type Given, type Sample, type Tolerance } from "./traced.js";

type Binary = (a: Tf.Tensor, b: Tf.Tensor) => Tf.Tensor;
type Options = Pick<Sample, "gradient" | "tolerance" | "gradientTolerance">;

const rounded: Tolerance = { ulps: 2, of: "element", absolute: 1e-37 };
const roundedGradient: Tolerance = { ulps: 8, of: "tensor", absolute: 1e-37 };

const cases = (
  run: Binary,
  element: fc.Arbitrary<number>,
  options: Options = {},
  dtype: Given["dtype"] = "float32",
): fc.Arbitrary<Sample> =>
  // tfjs has no gradient for what was broadcast to no elements.
  broadcastShapes({ empty: options.gradient !== true })
    .chain(([a, b]) => fc.tuple(tensors(a, element, dtype), tensors(b, element, dtype)))
    .map((inputs): Sample => ({ inputs, run: run as Sample["run"], ...options }));

/** For functions whose gradient in tfjs does not undo broadcasting. */
const pairs = (run: Binary, element: fc.Arbitrary<number>): readonly KernelCase[] => [
  {
    name: "tensors of one shape, with gradients",
    samples: shapes()
      .chain((shape) => fc.tuple(tensors(shape, element), tensors(shape, element)))
      .map((inputs): Sample => ({ inputs, run: run as Sample["run"], gradient: true })),
  },
  { name: "quarters", samples: cases(run, element) },
  { name: "NaN and infinity", samples: cases(run, anyNumber, { tolerance: rounded }) },
];

/** Numbers without rounding, gradients too; then numbers that are none. */
const floats = (run: Binary, options: Options = {}): readonly KernelCase[] => [
  { name: "quarters, with gradients", samples: cases(run, quarters, { gradient: true, ...options }) },
  { name: "NaN and infinity", samples: cases(run, anyNumber, { tolerance: rounded }) },
];

const whole = (run: Binary): KernelCase => ({ name: "int32", samples: cases(run, integers, {}, "int32"), runs: 25 });
const largeNumbers = fc.oneof(integers, fc.integer({ min: -2_000_000_000, max: 2_000_000_000 }));
const wholeAndLarge = (run: Binary): KernelCase => ({
  name: "int32, also such as float32 has not",
  samples: cases(run, largeNumbers, {}, "int32"),
  runs: 60,
});
const logical = (run: Binary): KernelCase => ({ name: "bool", samples: cases(run, booleans, {}, "bool"), runs: 25 });

const comparison = (run: Binary): readonly KernelCase[] => [
  { name: "equal and unequal numbers, NaN and infinity", samples: cases(run, fc.oneof(few, anyNumber)) },
  whole(run),
  logical(run),
];

/** In a power's gradient a base of 0 or less has a logarithm that is no number; tfjs sets it to 0. */
const positive = fc.float({ min: 0.25, max: 8, noNaN: true });

function powerOfConstant(exponent: number): KernelCase {
  return {
    name: `of the constant ${exponent}`,
    samples: anyTensor(anyNumber, "float32", { maxRank: 2 }).map((x): Sample => ({
      inputs: [x],
      run: (t) => tf.pow(t, exponent),
      tolerance: { ulps: 4, of: "element", absolute: 1e-37 },
    })),
    runs: 25,
  };
}

export const arithmeticCases: KernelCases = {
  Add: [...floats((a, b) => tf.add(a, b)), whole((a, b) => tf.add(a, b))],
  Sub: [...floats((a, b) => tf.sub(a, b)), whole((a, b) => tf.sub(a, b))],
  Multiply: [...floats((a, b) => tf.mul(a, b)), whole((a, b) => tf.mul(a, b))],
  RealDiv: floats((a, b) => tf.div(a, b), { tolerance: rounded, gradientTolerance: roundedGradient }),
  FloorDiv: [
    { name: "quarters, with gradients", samples: cases((a, b) => tf.floorDiv(a, b), quarters) },
    {
      name: "NaN and infinity",
      samples: cases((a, b) => tf.floorDiv(a, b), fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, 1, -2.5)),
    },
    wholeAndLarge((a, b) => tf.floorDiv(a, b)),
  ],
  Mod: [
    { name: "quarters", samples: cases((a, b) => tf.mod(a, b), quarters) },
    { name: "NaN and infinity", samples: cases((a, b) => tf.mod(a, b), anyNumber) },
    wholeAndLarge((a, b) => tf.mod(a, b)),
  ],
  Maximum: [...pairs((a, b) => tf.maximum(a, b), fc.oneof(few, quarters)), whole((a, b) => tf.maximum(a, b))],
  Minimum: [...pairs((a, b) => tf.minimum(a, b), fc.oneof(few, quarters)), whole((a, b) => tf.minimum(a, b))],
  Pow: [
    {
      name: "positive bases, with gradients",
      samples: cases((a, b) => tf.pow(a, b), positive, {
        gradient: true,
        tolerance: { ulps: 8, of: "element" },
        gradientTolerance: { ulps: 16, of: "tensor" },
      }),
    },
    {
      name: "bases and exponents of all kinds",
      samples: cases((a, b) => tf.pow(a, b), anyNumber, { tolerance: { ulps: 16, of: "element", absolute: 1e-37 } }),
      runs: 80,
    },
    whole((a, b) => tf.pow(a, tf.clipByValue(b, -3, 5))),
    powerOfConstant(2),
    powerOfConstant(0.5),
    powerOfConstant(-1),
    powerOfConstant(0),
  ],
  Atan2: [
    {
      name: "all quadrants, with gradients",
      samples: cases(
        (a, b) => tf.atan2(a, b),
        usual.filter((value) => Math.abs(value) > 0.1),
        {
          gradient: true,
          tolerance: { ulps: 4, of: "element" },
          // Sums of up to 81 terms of up to 10, which may all but cancel each other.
          gradientTolerance: { ...roundedGradient, absolute: 1e-4 },
        },
      ),
    },
    {
      name: "NaN, infinity and 0",
      samples: cases((a, b) => tf.atan2(a, b), fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, 1, -1, 2.5), {
        tolerance: { ulps: 2, of: "element" },
      }),
    },
  ],
  SquaredDifference: [
    ...pairs((a, b) => tf.squaredDifference(a, b), quarters),
    whole((a, b) => tf.squaredDifference(a, b)),
  ],
  AddN: [
    { name: "float32, with gradients", samples: sums(quarters, "float32") },
    { name: "int32", samples: sums(integers, "int32"), runs: 20 },
  ],
  Equal: comparison((a, b) => tf.equal(a, b)),
  NotEqual: comparison((a, b) => tf.notEqual(a, b)),
  Greater: comparison((a, b) => tf.greater(a, b)),
  GreaterEqual: comparison((a, b) => tf.greaterEqual(a, b)),
  Less: comparison((a, b) => tf.less(a, b)),
  LessEqual: comparison((a, b) => tf.lessEqual(a, b)),
  LogicalAnd: [logical((a, b) => tf.logicalAnd(a, b)), logical((a, b) => tf.logicalXor(a, b))].map(
    named("and", "exclusive or"),
  ),
  LogicalOr: [logical((a, b) => tf.logicalOr(a, b))],
  LogicalNot: [
    {
      name: "bool",
      samples: anyTensor(booleans, "bool").map((x): Sample => ({ inputs: [x], run: (t) => tf.logicalNot(t) })),
      runs: 20,
    },
  ],
};

function sums(element: fc.Arbitrary<number>, dtype: Given["dtype"]): fc.Arbitrary<Sample> {
  return fc
    .tuple(shapes({ maxRank: 3 }), fc.integer({ min: 1, max: 4 }))
    .chain(([shape, count]) => fc.tuple(...Array.from({ length: count }, () => tensors(shape, element, dtype))))
    .map((inputs): Sample => ({ inputs, run: (...all) => tf.addN(all), gradient: dtype === "float32" }));
}

function named(...names: readonly string[]): (each: KernelCase, index: number) => KernelCase {
  return (each, index) => ({ ...each, name: names[index] ?? each.name });
}
