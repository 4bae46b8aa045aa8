import { fc } from "@fast-check/vitest";
import type * as Tf from "@tensorflow/tfjs-core";
import { toPredict, type KernelCase, type KernelCases } from "./traced-cases.js";
import { few, integers, quarters, tensors } from "./traced-inputs.js";
import { tf, type Sample, type Tolerance } from "./traced.js";

type Padding = "valid" | "same" | number | [[number, number], [number, number], [number, number], [number, number]];
type Pair = [number, number];
type Triple = [number, number, number];

const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
const pair = (max: number): fc.Arbitrary<Pair> => fc.tuple(upTo(max), upTo(max));
const around = fc.tuple(fc.nat(2), fc.nat(2));
const pads: fc.Arbitrary<Padding> = fc.oneof(
  fc.constantFrom("valid", "same"),
  fc.nat(2),
  fc.tuple(around, around).map(([rows, columns]): Padding => [[0, 0], rows, columns, [0, 0]]),
);

interface Pool {
  readonly x: [number, number, number, number];
  readonly size: Pair;
  readonly strides: Pair;
  readonly pad: Padding;
}

/** Windows that overlap, touch or leave gaps. */
const pools: fc.Arbitrary<Pool> = fc
  .record({ x: fc.tuple(upTo(2), upTo(8), upTo(8), upTo(3)), size: pair(4), strides: pair(4), pad: pads })
  .filter(({ x, size, strides, pad }) => {
    const { outHeight, outWidth } = tf.backend_util.computePool2DInfo(x, size, strides, 1, pad);
    return outHeight > 0 && outWidth > 0;
  });

type Run = (x: Tf.Tensor4D, pool: Pool) => Tf.Tensor;

const samplesOf = (
  run: Run,
  element: fc.Arbitrary<number>,
  options: Partial<Sample> = {},
  dtype: "float32" | "int32" = "float32",
): fc.Arbitrary<Sample> =>
  pools
    // A window of one element is the element: then tfjs has no gradient kernel to compare. Of int32 no window may be all padding.
    .filter(({ size: [height, width], pad }) => height * width > 1 && (dtype === "float32" || typeof pad === "string"))
    .chain((pool) => fc.tuple(fc.constant(pool), tensors(pool.x, element, dtype)))
    .map(([what, x]): Sample => ({ what, inputs: [x], run: (t) => run(t as Tf.Tensor4D, what), ...options }));

const max: Run = (x, { size, strides, pad }) => tf.maxPool(x, size, strides, pad);
const avg: Run = (x, { size, strides, pad }) => tf.avgPool(x, size, strides, pad);
/** Sums are exact; a division follows. */
const divided: Tolerance = { ulps: 1, of: "element" };
const dividedFirst: Tolerance = { ulps: 4, of: "tensor" };

interface Cube {
  readonly x: [number, number, number, number, number];
  readonly size: Triple;
  readonly strides: Triple;
  readonly pad: "same" | "valid";
}

const triple = fc.tuple(upTo(3), upTo(3), upTo(3));
const cubes = fc
  .record({
    x: fc.tuple(upTo(2), upTo(5), upTo(5), upTo(5), upTo(2)),
    size: triple,
    strides: triple,
    pad: fc.constantFrom<"same" | "valid">("same", "valid"),
  })
  .filter(({ x, size, pad }) => pad === "same" || size.every((extent, axis) => extent <= (x[axis + 1] ?? 0)))
  .filter(({ size: [depth, height, width] }) => depth * height * width > 1);

const cubesOf = (
  all: fc.Arbitrary<Cube>,
  run: (x: Tf.Tensor5D, cube: Cube) => Tf.Tensor,
  element: fc.Arbitrary<number>,
  options: Partial<Sample>,
): fc.Arbitrary<Sample> =>
  all
    .chain((cube) => fc.tuple(fc.constant(cube), tensors(cube.x, element)))
    .map(([what, x]): Sample => ({ what, inputs: [x], run: (t) => run(t as Tf.Tensor5D, what), ...options }));

const max3d = (x: Tf.Tensor5D, { size, strides, pad }: Cube): Tf.Tensor => tf.maxPool3d(x, size, strides, pad);
const avg3d = (x: Tf.Tensor5D, { size, strides, pad }: Cube): Tf.Tensor => tf.avgPool3d(x, size, strides, pad);
/** tfjs' gradient of three-dimensional maxima takes the height of windows for their width. */
const squareCubes = cubes
  .map((cube): Cube => ({ ...cube, size: [cube.size[0], cube.size[1], cube.size[1]] }))
  .filter(
    ({ x, size: [depth, height, width], pad }) => depth * height * width > 1 && (pad === "same" || width <= x[3]),
  );

const averages = { gradient: true, tolerance: divided, gradientTolerance: dividedFirst } as const;
const gradient = { gradient: true } as const;

const overlapping: KernelCase = {
  name: "windows of one row each that overlap by more than half",
  samples: tensors([1, 3, 9, 2], few).map((x): Sample => ({
    inputs: [x],
    run: (t) => tf.maxPool(t as Tf.Tensor4D, [1, 5], [1, 2], "same"),
    ...gradient,
  })),
};

/** As layers make it: what a window's maximum gets passes a relu, and its sum is the gradient of a bias. */
const pooledRelus = pools
  .filter(({ size: [height, width] }) => height * width > 1)
  .chain((pool) => fc.tuple(fc.constant(pool), tensors(pool.x, few), tensors(pool.x.slice(-1), few)))
  .map(([what, x, bias]): Sample => {
    const run = (t: Tf.Tensor, b: Tf.Tensor): Tf.Tensor => max(tf.relu(tf.add(t, b)), what);
    return { what, inputs: [x, bias], run, ...gradient };
  });

export const poolingCases: KernelCases = {
  MaxPool: [
    { name: "infinity", samples: samplesOf(max, fc.constantFrom(Infinity, -Infinity, 0, 1)) },
    { name: "int32", samples: samplesOf(max, integers, {}, "int32") },
    { name: "to predict", samples: toPredict(samplesOf(max, quarters)), runs: 150 },
    { name: "to predict: infinity", samples: toPredict(samplesOf(max, fc.constantFrom(Infinity, 0, 1))) },
    { name: "to predict: int32", samples: toPredict(samplesOf(max, integers, {}, "int32")), runs: 20 },
  ],
  MaxPoolGrad: [
    { name: "few different numbers: the first of equal ones wins", samples: samplesOf(max, few, gradient), runs: 200 },
    { name: "quarters", samples: samplesOf(max, quarters, gradient) },
    overlapping,
    { name: "over a relu with a bias, with the gradient of both", samples: pooledRelus, runs: 150 },
  ],
  AvgPool: [
    {
      name: "infinity",
      samples: samplesOf(avg, fc.constantFrom(Infinity, -Infinity, 0, 1, Number.NaN), { tolerance: divided }),
    },
    { name: "to predict", samples: toPredict(samplesOf(avg, quarters, { tolerance: dividedFirst })), runs: 150 },
  ],
  AvgPoolGrad: [{ name: "quarters", samples: samplesOf(avg, quarters, averages), runs: 150 }],
  MaxPool3D: [{ name: "quarters", samples: cubesOf(cubes, max3d, quarters, {}), runs: 40 }],
  MaxPool3DGrad: [
    {
      name: "few different numbers: the last of equal ones wins",
      samples: cubesOf(squareCubes, max3d, few, gradient),
      runs: 60,
    },
  ],
  AvgPool3D: [{ name: "quarters", samples: cubesOf(cubes, avg3d, quarters, { tolerance: divided }), runs: 30 }],
  AvgPool3DGrad: [{ name: "quarters", samples: cubesOf(cubes, avg3d, quarters, averages), runs: 60 }],
};
