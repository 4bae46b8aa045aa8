import { fc } from "@fast-check/vitest";
import type * as Tf from "@tensorflow/tfjs-core";
import type { KernelCase, KernelCases } from "./traced-cases.js";
import { anyTensor, axes, axisSubsets, booleans, integers, quarters, shapes, tensors } from "./traced-inputs.js";
import { tf, type Given, type Sample } from "./traced.js";

type Constraints = Parameters<typeof shapes>[0];

/** A tensor of any dtype; only those of float32 have gradients. */
const anyDtype = (shape: readonly number[]): fc.Arbitrary<Given> =>
  fc.oneof(
    { weight: 4, arbitrary: tensors(shape, quarters) },
    { weight: 1, arbitrary: tensors(shape, integers, "int32") },
    { weight: 1, arbitrary: tensors(shape, booleans, "bool") },
  );

const hasGradient = (...inputs: readonly Given[]): boolean =>
  inputs.every(({ dtype, values }) => dtype === "float32" && values.length > 0);

/** @param choose arguments for a shape, and what is to be done with them */
const moved = <Choice>(
  choose: (shape: readonly number[]) => fc.Arbitrary<Choice>,
  run: (x: Tf.Tensor, choice: Choice) => Tf.Tensor | Tf.Tensor[],
  constraints: Constraints = {},
): fc.Arbitrary<Sample> =>
  shapes(constraints)
    .chain((shape) => fc.tuple(anyDtype(shape), choose(shape)))
    .map(([x, choice]): Sample => ({
      what: choice,
      inputs: [x],
      run: (t) => run(t, choice),
      gradient: hasGradient(x),
    }));

/** The same without gradients. */
const only = (samples: fc.Arbitrary<Sample>): fc.Arbitrary<Sample> =>
  samples.map((sample) => ({ ...sample, gradient: false }));

const everything = (samples: fc.Arbitrary<Sample>, runs = 60): readonly KernelCase[] => [
  { name: "every dtype, with gradients", samples, runs },
];

/** Another shape of as many elements. */
function regrouped(shape: readonly number[]): fc.Arbitrary<number[]> {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return fc.constantFrom([size], [1, size], [size, 1, 1], [...shape].toReversed(), size > 0 ? [-1] : [0, 3], [
    ...shape,
    1,
  ]);
}

const permutations = (shape: readonly number[]): fc.Arbitrary<number[]> =>
  fc.shuffledSubarray([...shape.keys()], { minLength: shape.length, maxLength: shape.length });

/** Tensors that differ along one dimension alone. */
function joinable(run: (list: Tf.Tensor[], axis: number) => Tf.Tensor, isSame: boolean): fc.Arbitrary<Sample> {
  return fc
    .tuple(shapes({ minRank: 1, maxRank: 3 }), fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 }))
    .chain(([shape, extents]) =>
      axes(shape.length).chain((axis) => {
        const at = axis < 0 ? axis + shape.length : axis;
        const list = extents.map((extent) => tensors(isSame ? shape : shape.with(at, extent)));
        return fc.tuple(fc.constant(axis), fc.tuple(...list));
      }),
    )
    .map(([axis, inputs]): Sample => ({
      what: { axis },
      inputs,
      run: (...list) => run(list, axis),
      gradient: hasGradient(...inputs),
    }));
}

const slices = moved(
  (shape) =>
    fc.tuple(
      ...shape.map((extent) => fc.nat(extent).chain((begin) => fc.tuple(fc.constant(begin), fc.nat(extent - begin)))),
    ),
  (x, ranges) =>
    tf.slice(
      x,
      ranges.map(([begin]) => begin),
      ranges.map(([, size]) => size),
    ),
  { minRank: 1 },
);

interface Bounds {
  readonly begin: number[];
  readonly end: number[];
  readonly strides: number[];
  readonly beginMask: number;
  readonly endMask: number;
}

/** tfjs fails where a slice without steps ends before it begins. */
function isSliceable(shape: readonly number[], { begin, end, strides, beginMask, endMask }: Bounds): boolean {
  const info = tf.slice_util.sliceInfo([...shape], begin, end, strides, beginMask, endMask, 0, 0, 0);
  const isSimple = info.isSimpleSlice || info.sliceDim0;
  return !isSimple || info.begin.every((from, axis) => from <= (info.end[axis] ?? 0));
}

/** Any bounds and steps, backwards ones too, and masks. */
const stridedSlices = moved(
  (shape) => {
    const bound = fc.integer({ min: -5, max: 5 });
    const step = fc.constantFrom(1, 1, 2, 3, -1, -2);
    const mask = fc.nat(2 ** shape.length - 1);
    const lists = (each: fc.Arbitrary<number>): fc.Arbitrary<number[]> =>
      fc.array(each, { minLength: shape.length, maxLength: shape.length });
    return fc
      .record({ begin: lists(bound), end: lists(bound), strides: lists(step), beginMask: mask, endMask: mask })
      .filter((choice) => isSliceable(shape, choice));
  },
  (x, { begin, end, strides, beginMask, endMask }) => tf.stridedSlice(x, begin, end, strides, beginMask, endMask),
  { minRank: 1, maxRank: 3, empty: false },
);

const shrunk = moved(
  (shape) => fc.nat(2 ** shape.length - 1),
  (x, mask) =>
    tf.stridedSlice(
      x,
      x.shape.map(() => 0),
      x.shape.map((extent) => extent),
      x.shape.map(() => 1),
      0,
      0,
      0,
      0,
      mask,
    ),
  { minRank: 1, maxRank: 3, empty: false },
);

const paddings = (shape: readonly number[]): fc.Arbitrary<[number, number][]> =>
  fc.tuple(...shape.map(() => fc.tuple(fc.nat(2), fc.nat(2))));

const splits = (run: (x: Tf.Tensor, sizes: number[], axis: number) => Tf.Tensor | Tf.Tensor[]): fc.Arbitrary<Sample> =>
  moved(
    (shape) =>
      axes(shape.length).chain((axis) => {
        const extent = shape.at(axis) ?? 0;
        return fc.nat(extent).map((first) => ({ axis, sizes: extent === first ? [first] : [first, extent - first] }));
      }),
    (x, { sizes, axis }) => run(x, sizes, axis),
    { minRank: 1, empty: false },
  );

export const shapeCases: KernelCases = {
  Reshape: everything(moved(regrouped, (x, shape) => tf.reshape(x, shape))),
  ExpandDims: everything(
    moved(
      (shape) => fc.integer({ min: -shape.length - 1, max: shape.length }),
      (x, axis) => tf.expandDims(x, axis),
    ),
  ),
  Transpose: everything(
    moved(permutations, (x, permutation) => tf.transpose(tf.transpose(x, permutation), permutation), { minRank: 2 }),
    100,
  ),
  Concat: everything(
    joinable((list, axis) => tf.concat(list, axis), false).map((sample) => ({ ...sample, run: nonTrivial(sample) })),
  ),
  Pack: everything(joinable((list, axis) => tf.stack(list, axis), true)),
  Unpack: [
    {
      name: "one after the other",
      samples: moved(
        (shape) => axes(shape.length),
        // In tfjs a kernel with a list of one result has no gradient.
        (x, axis) => tf.stack(tf.unstack(tf.concat([x, x], axis), axis).toReversed()),
        { minRank: 1, empty: false },
      ),
    },
  ],
  SplitV: [
    { name: "all parts", samples: only(splits((x, sizes, axis) => tf.split(x, sizes, axis))) },
    {
      name: "gradients",
      samples: splits((x, sizes, axis) =>
        tf.concat(tf.split(tf.concat([x, x], axis), [...sizes, 0, ...sizes], axis).toReversed(), axis),
      ),
    },
  ],
  Slice: everything(slices),
  StridedSlice: [
    { name: "bounds, steps and masks", samples: only(stridedSlices), runs: 150 },
    { name: "shrunk dimensions", samples: only(shrunk) },
  ],
  Reverse: everything(
    moved(
      (shape) => axisSubsets(shape.length),
      (x, list) => tf.reverse(x, list),
      { minRank: 1 },
    ),
  ),
  PadV2: [
    ...everything(
      moved(
        (shape) => paddings(shape),
        (x, list) => tf.pad(x, list, 1),
        { minRank: 1 },
      ),
    ),
    {
      name: "infinity",
      samples: only(
        moved(
          (shape) => paddings(shape),
          (x, list) => tf.pad(tf.cast(x, "float32"), list, -Infinity),
          { minRank: 1 },
        ),
      ),
      runs: 15,
    },
  ],
  Tile: [
    ...everything(
      moved(
        (shape) => fc.tuple(...shape.map(() => fc.integer({ min: 1, max: 3 }))),
        (x, reps) => tf.tile(x, reps),
        { minRank: 1 },
      ),
    ),
    {
      name: "no times",
      samples: only(
        moved(
          (shape) => fc.tuple(...shape.map(() => fc.nat(2))),
          (x, reps) => tf.tile(x, reps),
          { minRank: 1 },
        ),
      ),
    },
    {
      name: "to a shape",
      samples: anyTensor(quarters, "float32", { minRank: 1, maxRank: 3, empty: false }).map((x): Sample => ({
        inputs: [x],
        run: (t) => tf.broadcastTo(t, [2, ...x.shape]),
        gradient: true,
      })),
      runs: 20,
    },
  ],
};

/** tfjs leaves away the kernel for a single tensor. */
function nonTrivial({ run, inputs }: Sample): Sample["run"] {
  return inputs.length > 1 ? run : (only_) => tf.concat([only_, only_], 0);
}
