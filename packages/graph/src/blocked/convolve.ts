import { channelsFirst } from "../kernels/convolution.js";
import { isAllPadding, paddingOf, reachOf, type WindowAxis, type Windows } from "../kernels/windows.js";
import type { Value } from "../ir/types.js";
import { backwardFilter, forwardFilter, tapsOfFilter } from "./filters.js";
import { extract, interleaveBlocked } from "./extract.js";
import { isBlocked, tensorOfValue, valueOfTensor } from "./forms.js";
import { blockedConv, paddedChannels, type BlockedAxis, type Blocks } from "./operators.js";

/** Filling up may add this much work: kernels in blocks are twice as fast and more. */
const mostFilling = 2;

/** Whether a number of channels is worth being filled up to whole blocks. */
export function fillsBlocks(b: Blocks, channels: number): boolean {
  return channels > 0 && paddedChannels(b, channels) <= channels * mostFilling;
}

/** @returns undefined where the windows are none of the blocked kernels' */
export function blockedAxes(windows: Windows): readonly BlockedAxis[] | undefined {
  if (windows.some((axis) => axis.before < 0 || isAllPadding(axis))) return undefined;
  const axes = windows.map((axis) => ({ stride: axis.stride, dilation: axis.dilation, pads: paddingOf(axis) }));
  // Where more windows fit than are wanted.
  const isExact = windows.every((axis) => axis.before + axis.input - reachOf(axis) < axis.stride);
  return isExact ? axes : undefined;
}

/**
 * @param x [batch, height, width, channels]
 * @param filter [height, width, channels, filters]
 */
export function blockedConvolution(b: Blocks, x: Value, filter: Value, windows: Windows): Value | undefined {
  const [, , channels = 0, filters = 0] = filter.shape;
  const axes = blockedAxes(windows);
  if (axes === undefined || x.dtype !== "float32" || x.shape[0] === 0) return undefined;
  const isPlain = channels < b.k && !isBlocked(x);
  if (!fillsBlocks(b, filters) || (!isPlain && !fillsBlocks(b, channels))) return undefined;
  const input = isPlain ? channelsFirst(b.g, x) : tensorOfValue(b, x);
  return valueOfTensor(b, blockedConv(b, input, forwardFilter(b, filter, isPlain), { axes }), filters);
}

/**
 * The gradient for the input: a convolution with the filter turned round. With strides one for each remainder of a place divided by the
 * stride, of those taps that fall on it: no zero is multiplied.
 */
export function blockedInputGradient(b: Blocks, dy: Value, filter: Value, windows: Windows): Value | undefined {
  const [, , channels = 0, filters = 0] = filter.shape;
  const [rows, columns] = windows;
  if (rows === undefined || columns === undefined || dy.shape[0] === 0) return undefined;
  if (!fillsBlocks(b, channels) || !fillsBlocks(b, filters)) return undefined;
  if (windows.some((axis) => axis.before < 0 || isAllPadding(axis) || !isStrideKnown(axis))) return undefined;
  const [vertical, horizontal] = [lanesOf(rows), lanesOf(columns)];
  if (vertical === undefined || horizontal === undefined) return undefined;
  const tensor = tensorOfValue(b, dy);
  const lines = vertical.map((line) => {
    const lanes = horizontal.map((lane) => {
      if (line === "zeros" || lane === "zeros") return undefined;
      const taps = tapsOfFilter(b, filter, line.taps, lane.taps);
      return blockedConv(b, tensor, backwardFilter(b, taps), { axes: [line, lane] });
    });
    return lanes;
  });
  const some = lines.flat().find((lane) => lane !== undefined);
  if (some === undefined) return undefined;
  const zeros = b.g.splat(0, "float32", some.shape);
  const whole = interleaveBlocked(
    b,
    lines.map((lanes) =>
      interleaveBlocked(
        b,
        lanes.map((lane) => lane ?? zeros),
        3,
      ),
    ),
    2,
  );
  const used = (length: number): { offset: number; length: number } => ({ offset: 0, length });
  return valueOfTensor(b, extract(b, whole, used(rows.input), used(columns.input)), channels);
}

function isStrideKnown({ stride, dilation }: WindowAxis): boolean {
  return stride === 1 || dilation === 1;
}

interface Lane extends BlockedAxis {
  readonly taps: readonly number[];
}

/**
 * For each remainder r the convolution over windows that makes elements r, r + stride, ...: element `r + stride * u` gets the tap `t` of
 * window `(r + stride * u + before - t) / stride`.
 */
function lanesOf(axis: WindowAxis): readonly (Lane | "zeros")[] | undefined {
  const { input, output, size, stride, dilation, before } = axis;
  const length = Math.ceil(input / stride);
  const lanes = Array.from({ length: stride }, (_, remainder): Lane | "zeros" | undefined => {
    const taps = Array.from({ length: size }, (__, tap) => size - 1 - tap).filter(
      (tap) => (remainder + before - tap * dilation) % stride === 0,
    );
    const [first] = taps;
    if (first === undefined) return "zeros";
    const front = -(remainder + before - first * dilation) / stride;
    const step = stride === 1 ? dilation : 1;
    const end = length - (output + front - (taps.length - 1) * step);
    return front < 0 || end < 0 ? undefined : { taps, stride: 1, dilation: step, pads: [front, end] };
  });
  const known = lanes.filter((lane) => lane !== undefined);
  return known.length === lanes.length ? known : undefined;
}
