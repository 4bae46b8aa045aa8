import { concat, reshape } from "../ir/ops/shape.js";
import type { Value } from "../ir/types.js";
import { blockedConv, type BlockedAxis, type Blocks } from "./operators.js";

/** Which elements are taken along one dimension: `offset`, `offset + stride` ... up to `length` of them; zero where there is none. */
export interface Extraction {
  readonly offset: number;
  readonly length: number;
  /** @default 1 */
  readonly stride?: number;
}

/**
 * Elements of a blocked tensor along its rows and columns: shifted, cut, filled up with zeros, or every stride-th. A convolution of each
 * channel with a filter that is one at a single place, which is exact for finite numbers: three to ten times faster than Pad and Slice.
 */
export function extract(b: Blocks, tensor: Value, rows: Extraction, columns: Extraction): Value {
  const [, channels = 0, height = 0, width = 0] = tensor.shape;
  const [vertical, horizontal] = [along(rows, height), along(columns, width)];
  if (isWhole(rows, height) && isWhole(columns, width)) return tensor;
  const size = vertical.taps * horizontal.taps;
  const place = vertical.place * horizontal.taps + horizontal.place;
  const filter = new Float32Array(channels * size);
  for (let from = 0; from < channels * size; from += size * b.k) {
    filter.fill(1, from + place * b.k, from + (place + 1) * b.k);
  }
  const oneHot = b.g.constant(filter, "float32", [channels, 1, vertical.taps, horizontal.taps]);
  return blockedConv(b, tensor, oneHot, { axes: [vertical, horizontal], group: channels });
}

function isWhole({ offset, length, stride = 1 }: Extraction, extent: number): boolean {
  return offset === 0 && length === extent && stride === 1;
}

interface OneHotAxis extends BlockedAxis {
  readonly taps: number;
  /** Of the one. */
  readonly place: number;
}

function along({ offset, length, stride = 1 }: Extraction, extent: number): OneHotAxis {
  const front = Math.max(0, -offset);
  const place = Math.max(0, offset);
  const last = (length - 1) * stride;
  // As many taps as make exactly `length` places, and more than there is padding in front.
  const free = extent + front - last - 1;
  const taps = Math.max(place + 1, front + 1, free - (stride - 1) + 1);
  return { stride, pads: [front, Math.max(0, last + taps - extent - front)], taps, place };
}

/** [..., extent, ...] of each, first elements of all, then second ones and so on. @param dimension 2: rows, 3: columns */
export function interleaveBlocked({ g, k }: Blocks, lanes: readonly Value[], dimension: 2 | 3): Value {
  const [first] = lanes;
  if (first === undefined) throw new Error("no lanes to interleave");
  if (lanes.length === 1) return first;
  const [batch = 0, channels = 0, height = 0, width = 0] = first.shape;
  const outer = (batch * channels) / k;
  const pieces = dimension === 2 ? outer * height : outer * height * width;
  const size = dimension === 2 ? width * k : k;
  const apart = lanes.map((lane) => reshape(g, lane, [pieces, 1, size]));
  return reshape(g, concat(g, apart, 1), first.shape.with(dimension, (first.shape[dimension] ?? 0) * lanes.length));
}
