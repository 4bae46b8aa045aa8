import type { Block } from "@stampede/core";
import type { GraphBuilder } from "../ir/builder.js";
import { blockedDomain } from "../format/block-probe.js";
import { reduce } from "../ir/ops/reduce.js";
import { pad, reshape } from "../ir/ops/shape.js";
import type { Attributes, Shape, Value } from "../ir/types.js";

/** What graphs are built with for a processor: nodes, and how many channels its blocked kernels keep side by side. */
export interface Blocks {
  readonly g: GraphBuilder;
  readonly k: Block;
}

/** Along one spatial dimension. */
export interface BlockedAxis {
  readonly stride: number;
  readonly dilation?: number;
  readonly pads: readonly [number, number];
}

/** The whole number of blocks that channels take. */
export function paddedChannels({ k }: Blocks, channels: number): number {
  return Math.ceil(channels / k) * k;
}

function blockedNode(
  { g }: Blocks,
  op: string,
  inputs: readonly (Value | undefined)[],
  shape: Shape,
  attributes: Attributes,
): Value {
  return g.node(op, inputs, { dtype: "float32", shape }, { attributes, domain: blockedDomain });
}

/**
 * A tensor in blocks: logically [batch, channels, height, width], with channels filled up to whole blocks, in memory
 * [batch][channels / k][height][width][k]. What stands in the added channels is finite and means nothing.
 * @param x [batch, height, width, channels]
 */
export function intoBlocks(b: Blocks, x: Value): Value {
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
  const padded = paddedChannels(b, channels);
  const shape = [batch, padded, height, width];
  // onnxruntime fills up only what is a multiple of 4.
  const whole = channels % 4 === 0 && padded !== b.k ? x : padChannels(b, x, 3, padded);
  return padded === b.k
    ? reshape(b.g, whole, shape)
    : blockedNode(b, "ReorderInput", [whole], shape, { channels_last: 1 });
}

/** The reverse: [batch, height, width, channels]. */
export function outOfBlocks(b: Blocks, tensor: Value, channels: number): Value {
  const [batch = 0, padded = 0, height = 0, width = 0] = tensor.shape;
  const shape = [batch, height, width, channels];
  if (padded === b.k && channels === b.k) return reshape(b.g, tensor, shape);
  return blockedNode(b, "ReorderOutput", [tensor], shape, { channels, channels_last: 1 });
}

/** [groups, k, ...] as [groups, ..., k]: neighbours along the second dimension come together. One copy. */
export function gatherLanes(b: Blocks, x: Value): Value {
  return blockedNode(b, "ReorderInput", [x], x.shape, {});
}

/** Zeros behind the last channel. */
export function padChannels({ g }: Blocks, x: Value, axis: number, channels: number): Value {
  const missing = channels - (x.shape[axis] ?? 0);
  return pad(
    g,
    x,
    x.shape.map((_, index) => [0, index === axis ? missing : 0]),
  );
}

export interface BlockedConv {
  /** Rows and columns. */
  readonly axes: readonly BlockedAxis[];
  /** @default 1 */
  readonly group?: number;
  /** [filters], added to the result. */
  readonly bias?: Value | undefined;
  /** Added to the result before the activation, of its shape. */
  readonly sum?: Value | undefined;
  readonly activation?: "Relu" | undefined;
}

/**
 * @param x in blocks; with fewer channels than a block plain [batch, channels, height, width]
 * @param filter [filters, channels / group, height, width] logically, in the layout of `filters.ts`
 */
export function blockedConv(b: Blocks, x: Value, filter: Value, options: BlockedConv): Value {
  const { axes, group = 1, bias, sum, activation } = options;
  const [batch = 0, , ...spatial] = x.shape;
  const [filters = 0, , ...size] = filter.shape;
  const result = axes.map(({ stride, dilation = 1, pads }, index) => {
    const free = (spatial[index] ?? 0) + pads[0] + pads[1] - ((size[index] ?? 0) - 1) * dilation - 1;
    return Math.floor(free / stride) + 1;
  });
  const inputs = sum === undefined ? [x, filter, bias] : [x, filter, bias, sum];
  const strides = axes.map(({ stride }) => stride);
  const dilations = axes.map(({ dilation = 1 }) => dilation);
  const pads = [...axes.map(({ pads: [begin] }) => begin), ...axes.map(({ pads: [, end] }) => end)];
  // What is onnxruntime's default is left out: nets of many layers have hundreds of these.
  const attributes = {
    ...(group !== 1 && { group }),
    ...(strides.some((stride) => stride !== 1) && { strides }),
    ...(dilations.some((dilation) => dilation !== 1) && { dilations }),
    ...(pads.some((count) => count !== 0) && { pads }),
    ...(activation && { activation }),
  };
  const given = bias === undefined && sum === undefined ? [x, filter] : inputs;
  return blockedNode(b, "Conv", given, [batch, filters, ...result], attributes);
}

/** What does not exist takes no part. @param size of windows: rows and columns */
export function blockedPool(
  b: Blocks,
  op: "MaxPool" | "AveragePool",
  x: Value,
  size: readonly number[],
  axes: readonly BlockedAxis[],
): Value {
  const [batch = 0, channels = 0, ...spatial] = x.shape;
  const result = axes.map(({ stride, pads }, index) => {
    return Math.floor(((spatial[index] ?? 0) + pads[0] + pads[1] - (size[index] ?? 0)) / stride) + 1;
  });
  return blockedNode(b, op, [x], [batch, channels, ...result], {
    kernel_shape: size,
    strides: axes.map(({ stride }) => stride),
    pads: [...axes.map(({ pads }) => pads[0]), ...axes.map(({ pads }) => pads[1])],
    ...(op === "AveragePool" && { count_include_pad: 0 }),
  });
}

/** The mean of each channel of each row: [batch, channels, 1, 1], the added ones included. */
export function meansOfPictures(b: Blocks, tensor: Value): Value {
  const [batch = 0, channels = 0] = tensor.shape;
  return blockedNode(b, "GlobalAveragePool", [tensor], [batch, channels, 1, 1], {});
}

/** The mean of each channel over all rows: [channels], the added ones included. */
export function meansOfBatch(b: Blocks, tensor: Value): Value {
  return reduce(b.g, "ReduceMean", meansOfPictures(b, tensor), [0, 2, 3], false);
}

/** One number a channel and row, [batch, channels, 1, 1], for all of its places. */
export function spreadOverPictures(b: Blocks, tensor: Value, height: number, width: number): Value {
  if (height === 1 && width === 1) return tensor;
  const [batch = 0, channels = 0] = tensor.shape;
  return blockedNode(b, "Upsample", [tensor], [batch, channels, height, width], { scales: [1, 1, height, width] });
}
