import { sizeOf } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import { concat, expand, pad, reshape, reverse, slice, split, transpose } from "../ir/ops/shape.js";
import type { GraphBuilder } from "../ir/builder.js";
import type { Value } from "../ir/types.js";
import { loadCore } from "../tfjs.js";
import { kernel, type KernelTable } from "../trace/kernel.js";
import { axesOf } from "./reduction.js";

function stridedSlice(g: GraphBuilder, x: Value, attrs: Tf.StridedSliceAttrs): Value {
  const { begin, end, strides, beginMask, endMask, ellipsisMask, newAxisMask, shrinkAxisMask } = attrs;
  const info = loadCore().slice_util.sliceInfo(
    [...x.shape],
    begin,
    end,
    strides,
    beginMask,
    endMask,
    ellipsisMask,
    newAxisMask,
    shrinkAxisMask,
  );
  if (info.isIdentity) return reshape(g, x, info.finalShape);
  const backwards = info.strides.flatMap((step, axis) => (step < 0 ? [axis] : []));
  const ranges = info.begin.map((from, axis) => rangeOf(x, axis, from, info.end[axis] ?? 0, info.strides[axis] ?? 1));
  return reshape(g, slice(g, reverse(g, x, backwards), ranges), info.finalShape);
}

/** A range that runs backwards is one that runs forwards over the reversed axis. */
function rangeOf(
  x: Value,
  axis: number,
  start: number,
  end: number,
  step: number,
): Parameters<typeof slice>[2][number] {
  if (step > 0) return { axis, start, end: Math.max(start, end), step };
  const last = (x.shape[axis] ?? 0) - 1;
  return { axis, start: last - start, end: Math.max(last - start, last - end), step: -step };
}

function tile(g: GraphBuilder, x: Value, reps: readonly number[]): Value {
  const shape = x.shape.map((extent, axis) => extent * (reps[axis] ?? 1));
  if (x.shape.every((extent, axis) => reps[axis] === 1 || extent === 1)) return expand(g, x, shape);
  return g.node("Tile", [x, g.integers(reps)], { dtype: x.dtype, shape });
}

function inserted(shape: readonly number[], axis: number): number[] {
  const at = axis < 0 ? axis + shape.length + 1 : axis;
  return [...shape.slice(0, at), 1, ...shape.slice(at)];
}

/** Everything that moves elements and computes nothing. */
export const shapeKernels: KernelTable = {
  Reshape: kernel<Tf.ReshapeAttrs>(({ g, attrs, input }) => {
    const x = input("x");
    return reshape(g, x, loadCore().util.inferFromImplicitShape([...attrs.shape], sizeOf(x.shape)));
  }),
  ExpandDims: kernel<Tf.ExpandDimsAttrs>(({ g, attrs, input }) => {
    const x = input("input");
    return reshape(g, x, inserted(x.shape, attrs.dim));
  }),
  Transpose: kernel<Tf.TransposeAttrs>(({ g, attrs, input }) => transpose(g, input("x"), attrs.perm)),
  Concat: kernel<Tf.ConcatAttrs>(({ g, attrs, list }) => {
    const [first] = list;
    const [axis = 0] = first === undefined ? [] : axesOf(attrs.axis, first);
    return concat(g, list, axis);
  }),
  Pack: kernel<Tf.PackAttrs>(({ g, attrs, list }) => {
    const rank = (list[0]?.shape.length ?? 0) + 1;
    const axis = attrs.axis < 0 ? attrs.axis + rank : attrs.axis;
    return concat(
      g,
      list.map((value) => reshape(g, value, inserted(value.shape, axis))),
      axis,
    );
  }),
  Unpack: kernel<Tf.UnpackAttrs>(({ g, attrs, input }) => {
    const x = input("value");
    const axis = attrs.axis < 0 ? attrs.axis + x.shape.length : attrs.axis;
    const sizes = Array.from({ length: x.shape[axis] ?? 0 }, () => 1);
    return split(g, x, sizes, axis).map((part) => reshape(g, part, x.shape.toSpliced(axis, 1)));
  }),
  SplitV: kernel<Tf.SplitVAttrs>(({ g, attrs, input }) => {
    const x = input("x");
    const [axis = 0] = axesOf(attrs.axis, x);
    const sizes = loadCore().backend_util.prepareSplitSize(shapeOnly(x), attrs.numOrSizeSplits, axis);
    return split(g, x, sizes, axis);
  }),
  Slice: kernel<Tf.SliceAttrs>(({ g, attrs, input }) => {
    const x = input("x");
    const [begin = [], size = []] = loadCore().slice_util.parseSliceParams(shapeOnly(x), attrs.begin, attrs.size);
    return slice(
      g,
      x,
      begin.map((start, axis) => ({ axis, start, end: start + (size[axis] ?? 0) })),
    );
  }),
  StridedSlice: kernel<Tf.StridedSliceAttrs>(({ g, attrs, input }) => stridedSlice(g, input("x"), attrs)),
  Reverse: kernel<Tf.ReverseAttrs>(({ g, attrs, input }) => {
    const x = input("x");
    return reverse(g, x, axesOf(attrs.dims, x));
  }),
  PadV2: kernel<Tf.PadV2Attrs>(({ g, attrs, input }) => pad(g, input("x"), attrs.paddings, attrs.constantValue)),
  Tile: kernel<Tf.TileAttrs>(({ g, attrs, input }) => tile(g, input("x"), attrs.reps)),
};

/** What tfjs' helpers look at of a tensor. */
function shapeOnly({ shape, dtype }: Value): Tf.TensorInfo {
  return { dataId: {}, shape: [...shape], dtype: dtype === "int32" ? "int32" : "float32" };
}
