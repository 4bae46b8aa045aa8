import { sizeOf } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import { arrayFor, type GraphBuilder } from "../ir/builder.js";
import { add, cast, compare, where } from "../ir/ops/elementwise.js";
import { scatterAdd, withoutNegative } from "../ir/ops/scatter.js";
import { gather, reshape } from "../ir/ops/shape.js";
import { producerOf, type Value } from "../ir/types.js";
import { graphDType } from "../trace/backend.js";
import { kernel, type KernelTable } from "../trace/kernel.js";
import { axesOf } from "./reduction.js";

/** Slices along an axis; the first `batchDims` dimensions of x and of the indices go together. */
function gatherSlices(g: GraphBuilder, x: Value, indices: Value, axis: number, batchDims: number): Value {
  const valid = withoutNegative(g, cast(g, indices, "int32"));
  if (batchDims === 0) return gather(g, x, valid, axis);
  const batch = x.shape.slice(0, batchDims);
  const outer = x.shape.slice(batchDims, axis);
  const inner = x.shape.slice(axis + 1);
  const extent = x.shape[axis] ?? 0;
  const perBatch = indices.shape.slice(batchDims);
  const [batches, outers, count] = [sizeOf(batch), sizeOf(outer), sizeOf(perBatch)];
  // One Gather from [batches * outers * extent, inner]: each index is shifted to the slices of its batch and outer element. One that is
  // too large would then name a neighbour's slices, so it is given a number that no slice has.
  const starts = Int32Array.from({ length: batches * outers }, (_, index) => index * extent);
  const places = reshape(g, valid, [batches, 1, count]);
  const shifted = add(g, g.constant(starts, "int32", [batches, outers, 1]), places);
  const isTooLarge = compare(g, "GreaterOrEqual", places, g.scalar(extent, "int32"));
  const refused = where(g, isTooLarge, g.scalar(2_147_483_647, "int32"), shifted);
  const slices = gather(g, reshape(g, x, [batches * outers * extent, ...inner]), refused, 0);
  return reshape(g, slices, [...batch, ...outer, ...perBatch, ...inner]);
}

/** Slices at places of several dimensions: indices [..., depth] name one in the first `depth` dimensions of params. */
function gatherNd(g: GraphBuilder, params: Value, indices: Value): Value {
  const depth = indices.shape.at(-1) ?? 0;
  const shape = [...indices.shape.slice(0, -1), ...params.shape.slice(depth)];
  const places = cast(g, withoutNegative(g, cast(g, indices, "int32")), "int64");
  return g.node("GatherND", [params, places], { dtype: params.dtype, shape });
}

function scatterNd(g: GraphBuilder, indices: Value, updates: Value, shape: readonly number[]): Value {
  const depth = indices.shape.at(-1) ?? 0;
  const count = sizeOf(indices.shape.slice(0, -1));
  const places = withoutNegative(g, reshape(g, cast(g, indices, "int32"), [count, depth]));
  const flat = reshape(g, updates, [count, ...shape.slice(depth)]);
  return scatterAdd(g, g.splat(0, updates.dtype, shape), places, flat);
}

/** Sums of rows with the same id. Ids that are no segment's are left out. */
function segmentSum(g: GraphBuilder, rows: Value, ids: Value, segments: number): Value {
  const x = cast(g, rows, "float32");
  const [count = 0, ...inner] = x.shape;
  const shape = [segments, ...inner];
  if (segments === 0) return g.splat(0, "float32", shape);
  const given = cast(g, ids, "int32");
  const valid = refusedElsewhere(g, given, segments);
  if (valid !== undefined) return scatterAdd(g, g.splat(0, "float32", shape), reshape(g, valid, [count, 1]), x);
  const bounds = [g.scalar(0, "int32"), g.scalar(segments - 1, "int32")];
  const known = g.node("Clip", [given, ...bounds], { dtype: "int32", shape: ids.shape });
  const isKnown = reshape(g, compare(g, "Equal", known, given), [count, ...inner.map(() => 1)]);
  const counted = where(g, isKnown, x, g.scalar(0));
  return scatterAdd(g, g.splat(0, "float32", shape), reshape(g, known, [count, 1]), counted);
}

/**
 * The ids, where slices are gathered by them from as many: one that is no segment's ends the step there. So it is with the gradient of an
 * embedding, whose rows need not be looked at again.
 */
function refusedElsewhere(g: GraphBuilder, ids: Value, segments: number): Value | undefined {
  const asGiven = [ids, producerOf(ids, "Reshape")?.inputs[0] ?? ids].map((each) => withoutNegative(g, each));
  const isGathered = g.nodes.some(({ op, inputs: [x, indices], attributes }) => {
    const isBy = indices !== undefined && asGiven.includes(indices);
    return op === "Gather" && isBy && attributes["axis"] === 0 && x?.shape[0] === segments;
  });
  return isGathered ? asGiven[0] : undefined;
}

function oneHot(g: GraphBuilder, indices: Value, attrs: Tf.OneHotAttrs): Value {
  const { depth, onValue, offValue, dtype } = attrs;
  const type = graphDType(dtype);
  const range = g.constant(
    arrayFor(
      "int32",
      Array.from({ length: depth }, (_, index) => index),
    ),
    "int32",
    [depth],
  );
  const isOn = compare(g, "Equal", reshape(g, cast(g, indices, "int32"), [...indices.shape, 1]), range);
  if (onValue === 1 && offValue === 0) return cast(g, isOn, type);
  return where(g, isOn, g.scalar(onValue, type), g.scalar(offValue, type));
}

/** Slices by index, and sums by index. */
export const gatherKernels: KernelTable = {
  GatherV2: kernel<Tf.GatherV2Attrs>(({ g, attrs, input }) => {
    const x = input("x");
    const [axis = 0] = axesOf(attrs.axis, x);
    return gatherSlices(g, x, input("indices"), axis, attrs.batchDims);
  }),
  GatherNd: kernel(({ g, input }) => gatherNd(g, input("params"), input("indices"))),
  ScatterNd: kernel<Tf.ScatterNdAttrs>(({ g, attrs, input }) =>
    scatterNd(g, input("indices"), input("updates"), attrs.shape),
  ),
  UnsortedSegmentSum: kernel<Tf.UnsortedSegmentSumAttrs>(({ g, attrs, input }) =>
    segmentSum(g, input("x"), input("segmentIds"), attrs.numSegments),
  ),
  OneHot: kernel<Tf.OneHotAttrs>(({ g, attrs, input }) => oneHot(g, input("indices"), attrs)),
};
