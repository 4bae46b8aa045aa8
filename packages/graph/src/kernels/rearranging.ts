import { sizeOf } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "../ir/builder.js";
import { where } from "../ir/ops/elementwise.js";
import { gather, pad, reshape, reverse, slice, transpose } from "../ir/ops/shape.js";
import type { Value } from "../ir/types.js";
import { kernel, type KernelTable } from "../trace/kernel.js";

type Pairs = readonly (readonly [number, number])[];

/** Splits dimensions 1, 2, ... into blocks; the places inside of a block become the outermost part of the batch. */
function spaceToBatch(g: GraphBuilder, x: Value, blocks: readonly number[], paddings: Pairs): Value {
  const rest = x.shape.slice(1 + blocks.length);
  const padded = pad(g, x, [[0, 0], ...paddings, ...rest.map((): [number, number] => [0, 0])]);
  const [batch = 0, ...spatial] = padded.shape;
  const counts = blocks.map((block, index) => (spatial[index] ?? 0) / block);
  const split = blocks.flatMap((block, index) => [counts[index] ?? 0, block]);
  const outer = blocks.map((_, index) => 2 * index + 2);
  const inner = blocks.map((_, index) => 2 * index + 1);
  const behind = rest.map((_, index) => 2 * blocks.length + 1 + index);
  const moved = transpose(g, reshape(g, padded, [batch, ...split, ...rest]), [...outer, 0, ...inner, ...behind]);
  return reshape(g, moved, [batch * sizeOf(blocks), ...counts, ...rest]);
}

/** The reverse of `spaceToBatch`. */
function batchToSpace(g: GraphBuilder, x: Value, blocks: readonly number[], crops: Pairs): Value {
  const [all = 0, ...others] = x.shape;
  const batch = all / sizeOf(blocks);
  const counts = others.slice(0, blocks.length);
  const rest = others.slice(blocks.length);
  const rank = blocks.length;
  const pairs = blocks.flatMap((_, index) => [rank + 1 + index, index]);
  const behind = rest.map((_, index) => 2 * rank + 1 + index);
  const moved = transpose(g, reshape(g, x, [...blocks, batch, ...counts, ...rest]), [rank, ...pairs, ...behind]);
  const extents = blocks.map((block, index) => block * (counts[index] ?? 0));
  const ranges = crops.map(([before, after], index) => {
    return { axis: index + 1, start: before, end: (extents[index] ?? 0) - after };
  });
  return slice(g, reshape(g, moved, [batch, ...extents, ...rest]), ranges);
}

/** Channels become blocks of pixels. */
function depthToSpace(g: GraphBuilder, x: Value, { blockSize, dataFormat }: Tf.DepthToSpaceAttrs): Value {
  if (dataFormat !== "NHWC") throw new Error(`it has the dataFormat ${dataFormat}`);
  const [batch = 0, height = 0, width = 0, depth = 0] = x.shape;
  const channels = depth / (blockSize * blockSize);
  const split = reshape(g, x, [batch, height, width, blockSize, blockSize, channels]);
  const moved = transpose(g, split, [0, 1, 3, 2, 4, 5]);
  return reshape(g, moved, [batch, height * blockSize, width * blockSize, channels]);
}

/** Dimension by dimension, the elements that lie as far inside as the new ones lie outside; `symmetric` begins with the border's own. */
function mirrorPad(g: GraphBuilder, x: Value, { paddings, mode }: Tf.MirrorPadAttrs): Value {
  const offset = mode === "reflect" ? 0 : 1;
  return paddings.reduce((value, [before, after], axis) => {
    if (before === 0 && after === 0) return value;
    const extent = x.shape[axis] ?? 0;
    const rows = Int32Array.from({ length: before + extent + after }, (_, index) => {
      const place = index - before;
      if (place < 0) return -place - offset;
      return place < extent ? place : 2 * (extent - 1) - place + offset;
    });
    return gather(g, value, g.constant(rows, "int32", [rows.length]), axis);
  }, x);
}

/** A matrix with the elements on its diagonal and zeros elsewhere; of two tensors of the same shape more generally. */
function diagonal(g: GraphBuilder, x: Value): Value {
  const size = sizeOf(x.shape);
  const isOn = Uint8Array.from({ length: size * size }, (_, index) => (index % (size + 1) === 0 ? 1 : 0));
  const matrix = where(g, g.constant(isOn, "bool", [size, size]), reshape(g, x, [size]), g.scalar(0, x.dtype));
  return reshape(g, matrix, [...x.shape, ...x.shape]);
}

/** Everything that moves elements by a pattern. */
export const rearrangingKernels: KernelTable = {
  SpaceToBatchND: kernel<Tf.SpaceToBatchNDAttrs>(({ g, attrs, input }) =>
    spaceToBatch(g, input("x"), attrs.blockShape, pairsOf(attrs.paddings)),
  ),
  BatchToSpaceND: kernel<Tf.BatchToSpaceNDAttrs>(({ g, attrs, input }) =>
    batchToSpace(g, input("x"), attrs.blockShape, pairsOf(attrs.crops)),
  ),
  DepthToSpace: kernel<Tf.DepthToSpaceAttrs>(({ g, attrs, input }) => depthToSpace(g, input("x"), attrs)),
  MirrorPad: kernel<Tf.MirrorPadAttrs>(({ g, attrs, input }) => mirrorPad(g, input("x"), attrs)),
  FlipLeftRight: kernel(({ g, input }) => reverse(g, input("image"), [2])),
  Diag: kernel(({ g, input }) => diagonal(g, input("x"))),
};

function pairsOf(lists: readonly (readonly number[])[]): Pairs {
  return lists.map(([before = 0, after = 0]) => [before, after]);
}
