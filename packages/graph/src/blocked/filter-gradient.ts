import type { WindowAxis, Windows } from "../kernels/windows.js";
import { reduce } from "../ir/ops/reduce.js";
import { concat, pad, reshape, slice, transpose } from "../ir/ops/shape.js";
import type { Shape, Value } from "../ir/types.js";
import { fillsBlocks } from "./convolve.js";
import { extract } from "./extract.js";
import { tensorOfValue } from "./forms.js";
import { blockedConv, gatherLanes, outOfBlocks, paddedChannels, type Blocks } from "./operators.js";

/** Columns may be filled up to whole blocks by this factor. */
const mostFilling = 1.35;
/** Up to so many columns of a filter of one block go through one convolution: more read its input too often. */
const mostJoined = 4;

/**
 * The gradient for the filter, without a matrix of windows. A convolution sums over its input channels and over its kernel; so the
 * positions of a row are given the part of channels, the gradient is the kernel, and every picture is a group of its own.
 *
 * @param x [batch, height, width, channels]
 * @param dy [batch, ...output, filters]
 * @param shape of the filter
 * @returns undefined where the usual lowering is as good
 */
export function blockedFilterGradient(
  b: Blocks,
  x: Value,
  dy: Value,
  windows: Windows,
  shape: Shape,
): Value | undefined {
  const [, , channels = 0, filters = 0] = shape;
  const [rows, columns] = windows;
  if (rows === undefined || columns === undefined || x.dtype !== "float32" || x.shape[0] === 0) return undefined;
  if (windows.some(({ dilation, before }) => dilation !== 1 || before < 0)) return undefined;
  if (!fillsBlocks(b, filters)) return undefined;
  if (rows.stride === 1 && columns.stride === 1) return ofRows(b, x, dy, [rows, columns], shape);
  if ((rows.output * columns.output) % b.k !== 0 || !fillsBlocks(b, channels)) return undefined;
  return ofTaps(b, x, dy, [rows, columns], shape);
}

type Plane = readonly [rows: WindowAxis, columns: WindowAxis];

/** Without strides: windows along a row are dy, shifted for every column of the filter; the rows of the filter are those of the result. */
function ofRows(b: Blocks, x: Value, dy: Value, [rows, columns]: Plane, shape: Shape): Value | undefined {
  const { g, k } = b;
  const [height = 0, width = 0, channels = 0, filters = 0] = shape;
  const [batch = 0] = x.shape;
  const line = Math.ceil(columns.input / k) * k;
  const end = height - 1 + rows.output - rows.input - rows.before;
  // For one channel the matrix is small; for many filters of small pictures the sums of each picture are larger than it.
  if (channels === 1 || line > columns.input * mostFilling || filters > rows.input * columns.input || end < 0) {
    return undefined;
  }
  const filled = reshape(g, withColumns(b, x, line), [(batch * rows.input * line) / k, k, channels, 1]);
  const lanes = reshape(g, gatherLanes(b, filled), [1, batch * k, rows.input, (line / k) * channels]);
  const gradient = tensorOfValue(b, dy);
  const outer = paddedChannels(b, filters);
  const kernels = Array.from({ length: width }, (_, column) =>
    extract(b, gradient, { offset: 0, length: rows.output }, { offset: columns.before - column, length: line }),
  );
  const axes = [
    { stride: 1, pads: [rows.before, end] },
    { stride: 1, dilation: channels, pads: [0, 0] },
  ] as const;
  const sums = (kernel: Value, count: number): Value => {
    const filter = reshape(g, kernel, [batch * count * outer, k, rows.output, line / k]);
    const each = blockedConv(b, lanes, filter, { axes, group: batch });
    return reduce(g, "ReduceSum", reshape(g, each, [batch, count * outer * height * channels]), [0], false);
  };
  const isJoined = outer === k && width > 1 && width <= mostJoined;
  const each = kernels.map((kernel) => reshape(g, kernel, [batch, outer * rows.output * line]));
  const sum = isJoined
    ? sums(concat(g, each, 1), width)
    : concat(
        g,
        kernels.map((kernel) => sums(kernel, 1)),
        0,
      );
  const blocks = reshape(g, sum, [width, outer / k, height, channels, k]);
  const whole = reshape(g, transpose(g, blocks, [2, 0, 3, 1, 4]), [height, width, channels, outer]);
  return slice(g, whole, [{ axis: 3, start: 0, end: filters }]);
}

/** x with zeros behind its columns. */
function withColumns(b: Blocks, x: Value, line: number): Value {
  const [, height = 0, width = 0, channels = 0] = x.shape;
  if (line === width) return x;
  const missing = [
    [0, 0],
    [0, 0],
    [0, line - width],
    [0, 0],
  ] as const;
  if (!fillsBlocks(b, channels)) return pad(b.g, x, missing);
  const rows = { offset: 0, length: height };
  return outOfBlocks(b, extract(b, tensorOfValue(b, x), rows, { offset: 0, length: line }), channels);
}

/** With strides: the elements of x under every tap of the filter are the kernel, dy is what it is moved over. */
function ofTaps(b: Blocks, x: Value, dy: Value, [rows, columns]: Plane, shape: Shape): Value {
  const { g, k } = b;
  const [height = 0, width = 0, channels = 0, filters = 0] = shape;
  const [batch = 0] = x.shape;
  const places = rows.output * columns.output;
  const inner = paddedChannels(b, channels);
  const lanes = gatherLanes(b, reshape(g, dy, [(batch * places) / k, k, filters, 1]));
  const tensor = tensorOfValue(b, x);
  const taps = Array.from({ length: height * width }, (_, tap) => {
    const [row, column] = [Math.floor(tap / width), tap % width];
    const under = extract(b, tensor, along(rows, row), along(columns, column));
    return reshape(g, under, [batch, inner * places]);
  });
  const filter = reshape(g, concat(g, taps, 1), [batch * taps.length * inner, k, places / k, 1]);
  const axes = [
    { stride: 1, pads: [0, 0] },
    { stride: 1, pads: [0, 0] },
  ] as const;
  const input = reshape(g, lanes, [1, batch * k, places / k, filters]);
  const each = blockedConv(b, input, filter, { axes, group: batch });
  const flat = reshape(g, each, [batch, taps.length * inner * filters]);
  const sum = reshape(g, reduce(g, "ReduceSum", flat, [0], false), [taps.length, inner / k, filters, k]);
  const whole = reshape(g, transpose(g, sum, [0, 1, 3, 2]), [height, width, inner, filters]);
  return slice(g, whole, [{ axis: 2, start: 0, end: channels }]);
}

function along(
  { before, output, stride }: WindowAxis,
  tap: number,
): { offset: number; length: number; stride: number } {
  return { offset: tap - before, length: output, stride };
}
