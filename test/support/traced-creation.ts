import { fc } from "@fast-check/vitest";
import type * as Tf from "@tensorflow/tfjs-core";
import type { KernelCase, KernelCases } from "./traced-cases.js";
import {
  anyNumber,
  anyTensor,
  booleans,
  broadcastShapes,
  integers,
  quarters,
  shapes,
  tensors,
  usual,
} from "./traced-inputs.js";
import { tf, type Given, type Sample, type Tolerance } from "./traced.js";

const everyDtype = fc.oneof(anyTensor(quarters), anyTensor(integers, "int32"), anyTensor(booleans, "bool"));

/** Something is added that is no constant, so that there is a graph to run. */
const alike = (run: (x: Tf.Tensor) => Tf.Tensor): KernelCase => ({
  name: "every dtype",
  samples: everyDtype.map((x): Sample => ({ inputs: [x], run: (t) => [run(t), t] })),
});

const dtypes = fc.constantFrom<"float32" | "int32">("float32", "int32");
const one: Given = { dtype: "float32", shape: [], values: [1] };

/** Made of nothing, beside a result that is no constant. */
const made = <Choice>(choices: fc.Arbitrary<Choice>, run: (choice: Choice) => Tf.Tensor): fc.Arbitrary<Sample> =>
  choices.map((what): Sample => ({ what, inputs: [one], run: (t) => [run(what), t] }));

const ranges = fc
  .record({ start: integers, stop: integers, step: fc.constantFrom(1, 2, -1, -2, 0.5, 0.3, -0.25), dtype: dtypes })
  .map(({ dtype, step, ...bounds }) => ({ ...bounds, dtype, step: dtype === "int32" ? Math.trunc(step) || 1 : step }));

const choices = (element: fc.Arbitrary<number>, gradient: boolean): fc.Arbitrary<Sample> =>
  // tfjs does not stretch tensors to no elements.
  broadcastShapes({ empty: false })
    .chain(([a, b]) => fc.tuple(tensors(a, booleans, "bool"), tensors(b, element), tensors(a, element)))
    .map((inputs): Sample => ({
      inputs,
      run: (condition, yes, no) => tf.where(condition, yes, no),
      gradient,
    }));

const mixed = shapes()
  .chain((shape) =>
    fc.tuple(
      tensors(shape, booleans, "bool"),
      tensors(shape, quarters),
      tensors(shape, integers, "int32"),
      fc.boolean(),
    ),
  )
  .map(([condition, a, b, isTurned]): Sample => {
    const inputs = isTurned ? [condition, b, a] : [condition, a, b];
    return { inputs, run: (which, yes, no) => tf.where(which, yes, no) };
  });

/** (x - mean) * scale / sqrt(variance) + offset: errors are those of its terms, of up to 500 here. */
const normalised: Tolerance = { ulps: 4, of: "tensor", absolute: 1e-5 };
/** Sums of up to 64 such terms times a gradient, which may all but cancel each other. */
const normalisedGradient: Tolerance = { ulps: 32, of: "tensor", absolute: 5e-4 };
const variances = fc.integer({ min: 100, max: 4000 }).map((value) => Math.fround(value / 1000));

const batchNorms = fc
  .tuple(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 4 }), fc.boolean(), fc.boolean())
  .chain(([shape, isScaled, isShifted]) => {
    const channels = shape.slice(-1);
    const parameters = [
      tensors(channels, usual),
      tensors(channels, variances),
      ...(isShifted ? [tensors(channels, usual)] : []),
      ...(isScaled ? [tensors(channels, usual)] : []),
    ];
    return fc.tuple(fc.constant({ isScaled, isShifted }), tensors(shape, usual), fc.tuple(...parameters));
  })
  .map(([what, x, parameters]): Sample => {
    const run = (t: Tf.Tensor, [mean, variance, ...rest]: readonly Tf.Tensor[]): Tf.Tensor => {
      const offset = what.isShifted ? rest[0] : undefined;
      const scale = what.isScaled ? rest.at(-1) : undefined;
      return tf.batchNorm(
        t as Tf.Tensor4D,
        mean as Tf.Tensor1D,
        variance as Tf.Tensor1D,
        offset as Tf.Tensor1D,
        scale as Tf.Tensor1D,
        0.01,
      );
    };
    return {
      what,
      inputs: [x, ...parameters],
      run: (t, ...rest) => run(t, rest),
      // tfjs' gradient is for four dimensions, and fails where scale or offset is left out.
      gradient: x.shape.length === 4 && what.isScaled && what.isShifted,
      tolerance: normalised,
      gradientTolerance: normalisedGradient,
    };
  });

export const creationCases: KernelCases = {
  ZerosLike: [alike((x) => tf.zerosLike(x))],
  OnesLike: [alike((x) => tf.onesLike(x))],
  Fill: [
    { name: "any shape", samples: made(fc.tuple(shapes(), dtypes), ([shape, dtype]) => tf.fill(shape, 3, dtype)) },
    { name: "any number", samples: made(fc.tuple(shapes(), anyNumber), ([shape, value]) => tf.fill(shape, value)) },
  ],
  Range: [
    {
      name: "steps of both signs",
      samples: made(ranges, ({ start, stop, step, dtype }) => tf.range(start, stop, step, dtype)).filter(({ what }) =>
        isKernelRange(what),
      ),
    },
  ],
  LinSpace: [
    {
      name: "both directions",
      samples: made(fc.tuple(usual, usual, fc.integer({ min: 1, max: 9 })), ([start, stop, count]) =>
        tf.linspace(start, stop, count),
      ),
    },
  ],
  Select: [
    { name: "broadcast, with gradients", samples: choices(quarters, true) },
    { name: "NaN and infinity", samples: choices(anyNumber, false) },
    { name: "of two dtypes", samples: mixed, runs: 20 },
  ],
  Diag: [
    {
      name: "of any shape",
      samples: fc
        .oneof(
          anyTensor(quarters, "float32", { minRank: 1, maxRank: 3, maxExtent: 3 }),
          anyTensor(integers, "int32", { minRank: 1, maxRank: 2, maxExtent: 3 }),
        )
        .map((x): Sample => ({ inputs: [x], run: (t) => tf.diag(t) })),
      runs: 30,
    },
  ],
  FusedBatchNorm: [{ name: "with scale and offset or without, with gradients", samples: batchNorms, runs: 80 }],
};

/** tf.range answers itself when there is nothing between the bounds. */
function isKernelRange(what: unknown): boolean {
  const { start, stop } = what as { readonly start: number; readonly stop: number };
  return start !== stop;
}
