import { fc } from "@fast-check/vitest";
import type { KernelCases } from "./traced-cases.js";
import { axes, shapes, tensors, usual } from "./traced-inputs.js";
import { tf, type Given, type Sample } from "./traced.js";

/** Indices of one dimension, of any shape. */
const indicesOf = (extent: number, shape: readonly number[]): fc.Arbitrary<Given> =>
  tensors(shape, fc.nat(extent - 1), "int32");

const gathers = shapes({ minRank: 1, maxRank: 3, empty: false })
  .chain((shape) => fc.tuple(fc.constant(shape), axes(shape.length), shapes({ maxRank: 2 })))
  .chain(([shape, axis, of]) => fc.tuple(tensors(shape), indicesOf(shape.at(axis) ?? 1, of), fc.constant(axis)))
  .map(([x, indices, axis]): Sample => ({
    what: { axis },
    inputs: [x, indices],
    run: (t, places) => tf.gather(t, places, axis),
  }));

/** tfjs' own gradient takes an axis from the end for one from the start, and needs rows to be taken. */
const gatherGradients = shapes({ minRank: 1, maxRank: 3, empty: false })
  .chain((shape) =>
    fc.tuple(fc.constant(shape), fc.nat(shape.length - 1), fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 })),
  )
  .chain(([shape, axis, of]) => fc.tuple(tensors(shape), indicesOf(shape[axis] ?? 1, of), fc.constant(axis)))
  .map(([x, { values, shape }, axis]): Sample => {
    // What is differentiated must not be an index, so the indices are constants.
    return {
      what: { axis, values, shape },
      inputs: [x],
      run: (t) => tf.gather(t, tf.tensor([...values], [...shape], "int32"), axis),
      gradient: true,
    };
  });

/** Leading dimensions that go together, then others of x alone, then the one that is gathered along. */
const batched = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }),
    fc.array(fc.integer({ min: 1, max: 2 }), { maxLength: 1 }),
    fc.integer({ min: 1, max: 4 }),
    fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 1 }),
    fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }),
  )
  .chain(([batch, outer, extent, inner, places]) =>
    fc.tuple(
      tensors([...batch, ...outer, extent, ...inner]),
      indicesOf(extent, [...batch, ...places]),
      fc.constant([batch.length + outer.length, batch.length]),
    ),
  )
  .map(([x, indices, [axis, batchDims]]): Sample => {
    return {
      what: { axis, batchDims },
      inputs: [x, indices],
      run: (t, places) => tf.gather(t, places, axis, batchDims),
    };
  });

/** Places in the first dimensions of a shape: [..., depth]. */
const placesIn = (shape: readonly number[], depth: number, of: readonly number[]): fc.Arbitrary<Given> => {
  const one = fc.tuple(...shape.slice(0, depth).map((extent) => fc.nat(extent - 1)));
  const count = of.reduce((product, extent) => product * extent, 1);
  return fc
    .array(one, { minLength: count, maxLength: count })
    .map((list): Given => ({ dtype: "int32", shape: [...of, depth], values: list.flat() }));
};

const nested = shapes({ minRank: 1, maxRank: 4, empty: false }).chain((shape) =>
  fc.tuple(
    fc.constant(shape),
    fc.integer({ min: 1, max: shape.length }),
    fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 2 }),
  ),
);

const gathersNd = nested
  .chain(([shape, depth, of]) => fc.tuple(tensors(shape), placesIn(shape, depth, of)))
  .map((inputs): Sample => ({ inputs, run: (x, places) => tf.gatherND(x, places) }));

const scattersNd = nested
  .chain(([shape, depth, of]) =>
    fc.tuple(placesIn(shape, depth, of), tensors([...of, ...shape.slice(depth)]), fc.constant(shape)),
  )
  .map(([places, updates, shape]): Sample => {
    return { what: shape, inputs: [places, updates], run: (at, values) => tf.scatterND(at, values, shape) };
  });

const segments = fc
  .tuple(fc.nat(6), shapes({ maxRank: 2 }), fc.integer({ min: 1, max: 4 }))
  .chain(([count, inner, number]) => {
    // Negative ids and those of no segment are left out.
    const ids = tensors([count], fc.integer({ min: -2, max: number + 1 }), "int32");
    return fc.tuple(tensors([count, ...inner]), ids, fc.constant(number));
  })
  .map(([x, ids, number]): Sample => {
    return { what: number, inputs: [x, ids], run: (t, of) => tf.unsortedSegmentSum(t, of as never, number) };
  });

/** The gradient for a left-out row is that of a segment all the same in tfjs, unless its id is negative. */
const segmentGradients = fc
  .tuple(
    fc.integer({ min: 1, max: 6 }),
    fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    fc.integer({ min: 1, max: 4 }),
  )
  .chain(([count, inner, number]) => {
    const ids = fc.array(fc.integer({ min: -2, max: number - 1 }), { minLength: count, maxLength: count });
    return fc.tuple(tensors([count, ...inner]), ids, fc.constant(number));
  })
  .map(([x, ids, number]): Sample => {
    return {
      what: { ids, number },
      inputs: [x],
      run: (t) => tf.unsortedSegmentSum(t, tf.tensor1d(ids, "int32"), number),
      gradient: true,
    };
  });

const oneHots = fc
  .tuple(
    shapes({ maxRank: 2 }),
    fc.integer({ min: 2, max: 5 }),
    fc.constantFrom([1, 0], [5, -1], [0, 1]),
    fc.constantFrom("float32", "int32", "bool"),
  )
  .chain(([shape, depth, values, dtype]) => {
    const indices = tensors(shape, fc.integer({ min: -2, max: depth + 1 }), "int32");
    return fc.tuple(indices, fc.constant({ depth, values: dtype === "bool" ? [1, 0] : values, dtype }));
  })
  .map(
    ([
      indices,
      {
        depth,
        values: [on = 1, off = 0],
        dtype,
      },
    ]): Sample => {
      return {
        what: { depth, on, off, dtype },
        inputs: [indices],
        run: (t) => tf.oneHot(t, depth, on, off, dtype),
      };
    },
  );

/** An embedding as layers make it: rows of a matrix by index, whose gradient adds up all rows with one index. */
const embeddings = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 12 }))
  .chain(([rows, width, count]) =>
    fc.tuple(tensors([rows, width], usual), fc.array(fc.nat(rows - 1), { minLength: count, maxLength: count })),
  )
  .map(([matrix, ids]): Sample => ({
    what: ids,
    inputs: [matrix],
    run: (t) => tf.gather(t, tf.tensor1d(ids, "int32")),
    gradient: true,
  }));

export const gatherCases: KernelCases = {
  GatherV2: [
    { name: "along any dimension", samples: gathers, runs: 80 },
    { name: "gradients", samples: gatherGradients },
    { name: "in batches", samples: batched, runs: 80 },
  ],
  GatherNd: [{ name: "any depth", samples: gathersNd }],
  ScatterNd: [{ name: "any depth, places that are named twice", samples: scattersNd }],
  UnsortedSegmentSum: [
    { name: "any ids", samples: segments },
    { name: "gradients", samples: segmentGradients },
    { name: "as the gradient of an embedding", samples: embeddings },
  ],
  OneHot: [{ name: "any index and values", samples: oneHots }],
};
