import { sizeOf } from "@stampede/core";
import type { backend_util } from "@tensorflow/tfjs-core";
import type { GraphBuilder } from "../ir/builder.js";
import { sum } from "../ir/ops/elementwise.js";
import { concat, pad, reshape, slice } from "../ir/ops/shape.js";
import type { Value } from "../ir/types.js";

/**
 * How windows lie along one spatial dimension: window `w` covers the elements `w * stride - before + tap * dilation`, for `size` taps.
 * Elements that do not exist are padding.
 */
export interface WindowAxis {
  /** Elements of the dimension. */
  readonly input: number;
  /** Windows along the dimension. */
  readonly output: number;
  /** Taps of a window. */
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  /** Padding in front; negative where the first window begins after the first element. */
  readonly before: number;
}

/** One for each spatial dimension of values `[batch, ...spatial, channels]`: dimension `axis + 1` for entry `axis`. */
export type Windows = readonly WindowAxis[];

/** @throws Error where no window fits */
export function windows2d(info: backend_util.Conv2DInfo): Windows {
  return checked(alongPlane(info));
}

/** @throws Error where no window fits */
export function windows3d(info: backend_util.Conv3DInfo): Windows {
  const depth: WindowAxis = {
    input: info.inDepth,
    output: info.outDepth,
    size: info.filterDepth,
    stride: info.strideDepth,
    dilation: info.dilationDepth,
    before: info.padInfo.front,
  };
  return checked([depth, ...alongPlane(info)]);
}

/** Height and width. */
function alongPlane(info: backend_util.Conv2DInfo | backend_util.Conv3DInfo): Windows {
  return [
    {
      input: info.inHeight,
      output: info.outHeight,
      size: info.filterHeight,
      stride: info.strideHeight,
      dilation: info.dilationHeight,
      before: info.padInfo.top,
    },
    {
      input: info.inWidth,
      output: info.outWidth,
      size: info.filterWidth,
      stride: info.strideWidth,
      dilation: info.dilationWidth,
      before: info.padInfo.left,
    },
  ];
}

function checked(windows: Windows): Windows {
  if (windows.some(({ output }) => output <= 0)) throw new Error("it has windows larger than its input");
  return windows;
}

/** Elements from the first one of the first window to the last one of the last window. */
export function reachOf({ output, size, stride, dilation }: WindowAxis): number {
  return (output - 1) * stride + (size - 1) * dilation + 1;
}

/** How many windows there are along each dimension. */
export function outputsOf(windows: Windows): readonly number[] {
  return windows.map(({ output }) => output);
}

/** Where the first window begins once padding is in place. */
function startOf({ before }: WindowAxis): number {
  return Math.max(0, -before);
}

/** Elements that windows reach in front of the input and behind it. */
export function paddingOf(axis: WindowAxis): [number, number] {
  return [Math.max(0, axis.before), Math.max(0, reachOf(axis) - axis.before - axis.input)];
}

/** No window covers any element. */
export function isAllPadding(axis: WindowAxis): boolean {
  return axis.before >= reachOf(axis) || axis.before + axis.input <= 0;
}

/** @param x [batch, ...spatial, channels]; gets `value` around it as far as windows reach, along all spatial dimensions or one */
export function padForWindows(g: GraphBuilder, x: Value, windows: Windows, value = 0, only?: number): Value {
  const amounts = x.shape.map((_, dimension): [number, number] => {
    const axis = windows[dimension - 1];
    return axis === undefined || (only !== undefined && dimension - 1 !== only) ? [0, 0] : paddingOf(axis);
  });
  return pad(g, x, amounts, value);
}

/** All positions inside of a window, row by row. */
export function tapsOf(windows: Windows): readonly (readonly number[])[] {
  return windows.reduce<readonly (readonly number[])[]>(
    (positions, { size }) => positions.flatMap((head) => Array.from({ length: size }, (_, tap) => [...head, tap])),
    [[]],
  );
}

/**
 * The element at one position of every window.
 * @param padded [batch, ...padded, channels] of `padForWindows`
 * @returns [batch, ...output, channels]
 */
export function tapOf(g: GraphBuilder, padded: Value, windows: Windows, position: readonly number[]): Value {
  const ranges = windows.map((axis, index) => rangeOf(axis, index, position[index] ?? 0));
  return slice(g, padded, ranges);
}

/** The same along spatial dimension `index` alone: [..., output, ...] for each of its taps. */
export function tapsAlong(g: GraphBuilder, padded: Value, axis: WindowAxis, index: number): readonly Value[] {
  return Array.from({ length: axis.size }, (_, tap) => slice(g, padded, [rangeOf(axis, index, tap)]));
}

function rangeOf(axis: WindowAxis, index: number, tap: number): Parameters<typeof slice>[2][number] {
  const start = startOf(axis) + tap * axis.dilation;
  return { axis: index + 1, start, end: start + (axis.output - 1) * axis.stride + 1, step: axis.stride };
}

/**
 * For every window, and inside of it for every tap, where in `[...padded]` (flattened) its element lies.
 * @returns windows times taps numbers
 */
export function elementsOfWindows(windows: Windows, padded: readonly number[]): Int32Array {
  const pitches = padded.map((_, index) => sizeOf(padded.slice(index + 1)));
  const begins = sumsOf(
    windows.map(({ output, stride }) => multiples(output, stride)),
    pitches,
  );
  const taps = sumsOf(
    windows.map((axis) => multiples(axis.size, axis.dilation).map((offset) => offset + startOf(axis))),
    pitches,
  );
  const elements = new Int32Array(begins.length * taps.length);
  begins.forEach((begin, window) => {
    taps.forEach((offset, tap) => {
      elements[window * taps.length + tap] = begin + offset;
    });
  });
  return elements;
}

function multiples(length: number, step: number): readonly number[] {
  return Array.from({ length }, (_, index) => index * step);
}

/** All sums of one coordinate per dimension times its pitch, row by row. */
function sumsOf(coordinates: readonly (readonly number[])[], pitches: readonly number[]): readonly number[] {
  return coordinates.reduce<readonly number[]>(
    (sums, list, index) => sums.flatMap((head) => list.map((each) => head + each * (pitches[index] ?? 1))),
    [0],
  );
}

/**
 * The reverse of `tapsAlong` and its padding: every part is put where its tap lies, and what meets is added up.
 * @param parts one for each tap, [..., output, ...]
 * @returns [..., input, ...]
 */
export function placeAlong(g: GraphBuilder, parts: readonly Value[], axis: WindowAxis, index: number): Value {
  const dimension = index + 1;
  const { input, output, stride, dilation, before } = axis;
  // A tap at offset `row * stride + lane` falls on every stride-th element from there on: taps of one lane are added up without the
  // elements between them, and lanes are interleaved at the end.
  const lanes = Array.from({ length: stride }, (): { row: number; part: Value }[] => []);
  parts.forEach((part, tap) => {
    const offset = tap * dilation;
    lanes[offset % stride]?.push({ row: Math.floor(offset / stride), part });
  });
  const rows = Math.max(...lanes.flat().map(({ row }) => row)) + output;
  const [first] = parts;
  if (first === undefined) throw new Error("windows without taps");
  const laneShape = first.shape.with(dimension, rows);
  const summed = lanes.map((lane) =>
    lane.length === 0
      ? g.splat(0, first.dtype, laneShape)
      : sum(
          g,
          lane.map(({ row, part }) => padAlong(g, part, dimension, row, rows - row - output)),
        ),
  );
  const placed = interleave(g, summed, dimension);
  const start = Math.max(0, before);
  const end = Math.min(rows * stride, before + input);
  const kept = slice(g, placed, [{ axis: dimension, start, end: Math.max(start, end) }]);
  return padAlong(g, kept, dimension, Math.max(0, -before), input - Math.max(0, -before) - Math.max(0, end - start));
}

function padAlong(g: GraphBuilder, x: Value, dimension: number, before: number, after: number): Value {
  return pad(
    g,
    x,
    x.shape.map((_, index) => (index === dimension ? [before, after] : [0, 0])),
  );
}

/** First elements of all lanes, then second ones, and so on. */
function interleave(g: GraphBuilder, lanes: readonly Value[], dimension: number): Value {
  const [first] = lanes;
  if (first === undefined || lanes.length === 1) return first ?? g.scalar(0);
  const { shape } = first;
  const extent = shape[dimension] ?? 1;
  const apart = shape.toSpliced(dimension + 1, 0, 1);
  const joined = concat(
    g,
    lanes.map((lane) => reshape(g, lane, apart)),
    dimension + 1,
  );
  return reshape(g, joined, shape.with(dimension, extent * lanes.length));
}

/** Where the input ends for ONNX: elements behind the last window are cut off where they would make room for another one. */
export function usedEnd(axis: WindowAxis): number {
  const end = reachOf(axis) - axis.before;
  return axis.input - end < axis.stride ? axis.input : end;
}
