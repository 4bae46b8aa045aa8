import { fc } from "@fast-check/vitest";
import type * as Tf from "@tensorflow/tfjs-core";
import type { KernelCase, KernelCases } from "./traced-cases.js";
import { axes, axisSubsets, booleans, few, integers, quarters, shapes, tensors, usual } from "./traced-inputs.js";
import { tf, type Given, type Sample } from "./traced.js";

type Reduction = (x: Tf.Tensor, axis: number[] | undefined, keepDims: boolean) => Tf.Tensor;
type Shapes = Parameters<typeof shapes>[0];

const reductions = (
  run: Reduction,
  element: fc.Arbitrary<number>,
  options: Partial<Sample> = {},
  { dtype = "float32", ...constraints }: { readonly dtype?: Given["dtype"] } & Shapes = {},
): fc.Arbitrary<Sample> =>
  shapes(constraints)
    .chain((shape) => {
      const axis = fc.option(axisSubsets(shape.length), { nil: undefined, freq: 4 });
      return fc.tuple(tensors(shape, element, dtype), axis, fc.boolean());
    })
    .map(([x, axis, keepDims]): Sample => {
      return { what: { axis, keepDims }, inputs: [x], run: (t) => run(t, axis, keepDims), ...options };
    });

/** tfjs' gradients of reductions cannot reshape what is empty. */
const filled = { empty: false } as const;
const withGradients = { gradient: true } as const;

const floats = (run: Reduction): readonly KernelCase[] => [
  { name: "quarters, with gradients", samples: reductions(run, quarters, withGradients, filled) },
  { name: "empty tensors too", samples: reductions(run, quarters) },
];
const special = (run: Reduction): KernelCase => ({
  name: "NaN and infinity",
  samples: reductions(run, fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, 1, 2, 3), {}, { maxExtent: 3 }),
});
const whole = (run: Reduction): KernelCase => ({
  name: "int32",
  samples: reductions(run, integers, {}, { dtype: "int32" }),
  runs: 25,
});
const logical = (run: Reduction): KernelCase => ({
  name: "bool",
  samples: reductions(run, booleans, {}, { dtype: "bool" }),
  runs: 25,
});

/** tfjs' gradient of a product needs methods of tensors that are not there unless all of tfjs is loaded. */
const products: readonly KernelCase[] = [
  { name: "powers of two and 0", samples: reductions((x, axis, keep) => tf.prod(x, axis, keep), few) },
  {
    name: "int32",
    samples: reductions(
      (x, axis, keep) => tf.prod(x, axis, keep),
      fc.constantFrom(-2, -1, 1, 2, 3),
      {},
      { dtype: "int32", maxRank: 2 },
    ),
    runs: 25,
  },
];

type Along = (x: Tf.Tensor, axis: number) => Tf.Tensor;

const along = (
  run: Along,
  element: fc.Arbitrary<number>,
  options: Partial<Sample> = {},
  dtype: Given["dtype"] = "float32",
): fc.Arbitrary<Sample> =>
  shapes({ minRank: 1 })
    .chain((shape) => fc.tuple(tensors(shape, element, dtype), axes(shape.length)))
    .map(([x, axis]): Sample => ({
      what: { axis },
      inputs: [x],
      run: (t) => run(t, axis),
      ...options,
    }));

const arguments_ = (run: Along): readonly KernelCase[] => [
  { name: "few different numbers: the first of equal ones", samples: along(run, few) },
  // Where NaN is among others, onnxruntime's answer depends on how many there are.
  { name: "infinity", samples: along(run, fc.oneof(usual, fc.constantFrom(Infinity, -Infinity))) },
  { name: "int32", samples: along(run, integers, {}, "int32"), runs: 25 },
];

function cumulative(
  run: typeof tf.cumsum,
  element: fc.Arbitrary<number>,
  options: Partial<Sample>,
  dtype: Given["dtype"] = "float32",
): fc.Arbitrary<Sample> {
  return shapes({ minRank: 1, maxExtent: 6, empty: options.gradient !== true })
    .chain((shape) => {
      const last = shape.length - 1;
      // In tfjs the gradient along another dimension than the last comes out transposed.
      const axis = options.gradient === true ? fc.constant(last) : fc.nat(last);
      return fc.tuple(tensors(shape, element, dtype), axis, fc.boolean(), fc.boolean());
    })
    .map(([x, axis, exclusive, reverse]): Sample => ({
      what: { axis, exclusive, reverse },
      inputs: [x],
      run: (t) => run(t, axis, exclusive, reverse),
      ...options,
    }));
}

export const reductionCases: KernelCases = {
  Sum: [
    ...floats((x, axis, keep) => tf.sum(x, axis, keep)),
    special((x, axis, keep) => tf.sum(x, axis, keep)),
    whole((x, axis, keep) => tf.sum(x, axis, keep)),
    logical((x, axis, keep) => tf.sum(x, axis, keep)),
  ],
  Mean: [
    {
      name: "usual numbers, with gradients",
      samples: reductions(
        (x, axis, keep) => tf.mean(x, axis, keep),
        usual,
        { gradient: true, tolerance: { ulps: 8, of: "tensor", absolute: 1e-6 } },
        filled,
      ),
    },
    {
      name: "empty tensors too",
      samples: reductions((x, axis, keep) => tf.mean(x, axis, keep), fc.constantFrom(0, 1, Number.NaN, Infinity), {
        tolerance: { ulps: 4, of: "element" },
      }),
    },
    {
      name: "int32",
      samples: reductions(
        (x, axis, keep) => tf.mean(x, axis, keep),
        integers,
        { tolerance: { ulps: 8, of: "tensor", absolute: 1e-6 } },
        { dtype: "int32" },
      ),
    },
  ],
  Prod: [
    ...products,
    special((x, axis, keep) => tf.prod(x, axis, keep)),
    logical((x, axis, keep) => tf.prod(x, axis, keep)),
  ],
  Max: [
    ...floats((x, axis, keep) => tf.max(x, axis, keep)),
    special((x, axis, keep) => tf.max(x, axis, keep)),
    whole((x, axis, keep) => tf.max(x, axis, keep)),
    logical((x, axis, keep) => tf.max(x, axis, keep)),
  ],
  Min: [
    ...floats((x, axis, keep) => tf.min(x, axis, keep)),
    special((x, axis, keep) => tf.min(x, axis, keep)),
    whole((x, axis, keep) => tf.min(x, axis, keep)),
    logical((x, axis, keep) => tf.min(x, axis, keep)),
  ],
  All: [logical((x, axis, keep) => tf.all(x, axis, keep))],
  Any: [logical((x, axis, keep) => tf.any(x, axis, keep))],
  ArgMax: arguments_((x, axis) => tf.argMax(x, axis)),
  ArgMin: arguments_((x, axis) => tf.argMin(x, axis)),
  TopK: [
    {
      name: "few different numbers: the first of equal ones first",
      samples: shapes({ minRank: 1, maxExtent: 6, empty: false })
        .chain((shape) =>
          fc.tuple(
            fc.oneof(tensors(shape, few), tensors(shape, integers, "int32")),
            fc.integer({ min: 1, max: shape.at(-1) ?? 1 }),
          ),
        )
        .map(([x, k]): Sample => {
          const run = (t: Tf.Tensor): Tf.Tensor[] => Object.values(tf.topk(t, k));
          return { what: { k }, inputs: [x], run: (t) => run(t) };
        }),
    },
  ],
  Cumsum: [
    { name: "quarters, with gradients", samples: cumulative(tf.cumsum, quarters, withGradients) },
    { name: "along any dimension", samples: cumulative(tf.cumsum, quarters, {}) },
    {
      name: "NaN and infinity",
      samples: cumulative(tf.cumsum, fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, 1), {}),
    },
    { name: "int32", samples: cumulative(tf.cumsum, integers, {}, "int32"), runs: 25 },
  ],
  Cumprod: [
    { name: "powers of two and 0", samples: cumulative(tf.cumprod, few, {}) },
    { name: "int32", samples: cumulative(tf.cumprod, fc.integer({ min: -3, max: 3 }), {}, "int32"), runs: 25 },
  ],
};
