import { mul } from "../ir/ops/elementwise.js";
import { concat, reshape, reverse, slice, transpose } from "../ir/ops/shape.js";
import type { Shape, Value } from "../ir/types.js";
import type { WindowAxis, Windows } from "../kernels/windows.js";
import { blockedAxes, fillsBlocks } from "./convolve.js";
import { extract } from "./extract.js";
import { isBlocked, tensorOfValue, valueOfTensor } from "./forms.js";
import { blockedConv, meansOfBatch, padChannels, paddedChannels, type BlockedAxis, type Blocks } from "./operators.js";

/** [height, width, channels, 1] as [channels / k][1][height][width][k]. */
function filterOfChannels(b: Blocks, filter: Value): Value {
  const { g, k } = b;
  const [height = 0, width = 0, channels = 0] = filter.shape;
  const padded = paddedChannels(b, channels);
  const flat = padChannels(b, reshape(g, filter, [height, width, channels]), 2, padded);
  const split = reshape(g, flat, [height, width, padded / k, k]);
  return reshape(g, transpose(g, split, [2, 0, 1, 3]), [padded, 1, height, width]);
}

/** With one filter for each channel, and for pictures that are in blocks already. */
function isFit(b: Blocks, value: Value, filter: Shape): boolean {
  const [, , channels = 0, multiplier = 0] = filter;
  return isBlocked(value) && multiplier === 1 && fillsBlocks(b, channels);
}

function convolved(b: Blocks, x: Value, filter: Value, axes: readonly BlockedAxis[]): Value {
  const channels = filter.shape[2] ?? 0;
  const group = paddedChannels(b, channels);
  return valueOfTensor(b, blockedConv(b, tensorOfValue(b, x), filterOfChannels(b, filter), { axes, group }), channels);
}

export function blockedDepthwise(b: Blocks, x: Value, filter: Value, windows: Windows): Value | undefined {
  const axes = blockedAxes(windows);
  return axes === undefined || !isFit(b, x, filter.shape) ? undefined : convolved(b, x, filter, axes);
}

/** Without strides: a convolution with the filter turned round. */
export function blockedDepthwiseInputGradient(
  b: Blocks,
  dy: Value,
  filter: Value,
  windows: Windows,
): Value | undefined {
  if (!isFit(b, dy, filter.shape) || windows.some(({ stride }) => stride !== 1)) return undefined;
  const axes = windows.map(({ input, output, size, dilation, before }): BlockedAxis => {
    const front = (size - 1) * dilation - before;
    return { stride: 1, dilation, pads: [front, input - output - front + (size - 1) * dilation] };
  });
  if (axes.some(({ pads }) => pads[0] < 0 || pads[1] < 0)) return undefined;
  return convolved(b, dy, reverse(b.g, filter, [0, 1]), axes);
}

/** For every tap the elements under it times dy, summed up. */
export function blockedDepthwiseFilterGradient(
  b: Blocks,
  x: Value,
  dy: Value,
  windows: Windows,
  shape: Shape,
): Value | undefined {
  const [rows, columns] = windows;
  if (rows === undefined || columns === undefined || !isFit(b, x, shape)) return undefined;
  const { g } = b;
  const [height = 0, width = 0, channels = 0] = shape;
  const [picture, gradient] = [tensorOfValue(b, x), tensorOfValue(b, dy)];
  const count = (dy.shape[0] ?? 0) * rows.output * columns.output;
  const taps = Array.from({ length: height * width }, (_, tap) => {
    const [row, column] = [Math.floor(tap / width), tap % width];
    const under = extract(b, picture, along(rows, row), along(columns, column));
    return slice(g, meansOfBatch(b, mul(g, under, gradient)), [{ axis: 0, start: 0, end: channels }]);
  });
  return reshape(g, mul(g, concat(g, taps, 0), g.scalar(count)), shape);
}

function along(
  { before, output, stride, dilation }: WindowAxis,
  tap: number,
): { readonly offset: number; readonly length: number; readonly stride: number } {
  return { offset: tap * dilation - before, length: output, stride };
}
