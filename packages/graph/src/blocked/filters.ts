import { gather, reshape, transpose } from "../ir/ops/shape.js";
import type { Value } from "../ir/types.js";
import { padChannels, paddedChannels, type Blocks } from "./operators.js";

/**
 * A filter as the blocked kernels want it: [filters / k][channels / k][height][width][k channels][k filters]; for an
 * input that is not in blocks [filters / k][channels][height][width][k filters].
 * @param filter [height, width, channels, filters]
 */
export function forwardFilter(b: Blocks, filter: Value, isPlain: boolean): Value {
  const { g, k } = b;
  const [height = 0, width = 0, channels = 0, filters = 0] = filter.shape;
  const outer = paddedChannels(b, filters);
  const wide = padChannels(b, filter, 3, outer);
  if (isPlain) {
    const split = reshape(g, wide, [height, width, channels, outer / k, k]);
    return reshape(g, transpose(g, split, [3, 2, 0, 1, 4]), [outer, channels, height, width]);
  }
  const inner = paddedChannels(b, channels);
  const split = reshape(g, padChannels(b, wide, 2, inner), [height, width, inner / k, k, outer / k, k]);
  return reshape(g, transpose(g, split, [4, 2, 0, 1, 3, 5]), [outer, inner, height, width]);
}

/** The same filter from its results back to its inputs: filters and channels exchanged. */
export function backwardFilter(b: Blocks, filter: Value): Value {
  const { g, k } = b;
  const [height = 0, width = 0, channels = 0, filters = 0] = filter.shape;
  const [inner, outer] = [paddedChannels(b, channels), paddedChannels(b, filters)];
  const whole = padChannels(b, padChannels(b, filter, 3, outer), 2, inner);
  const split = reshape(g, whole, [height, width, inner / k, k, outer / k, k]);
  return reshape(g, transpose(g, split, [2, 4, 0, 1, 5, 3]), [inner, outer, height, width]);
}

/** Some rows and columns of a filter, in the given order. */
export function tapsOfFilter({ g }: Blocks, filter: Value, rows: readonly number[], columns: readonly number[]): Value {
  const [height = 0, width = 0, channels = 0, filters = 0] = filter.shape;
  const taps = rows.flatMap((row) => columns.map((column) => row * width + column));
  if (taps.length === height * width && taps.every((tap, index) => tap === index)) return filter;
  const flat = reshape(g, filter, [height * width, channels, filters]);
  const index = g.constant(Int32Array.from(taps), "int32", [taps.length]);
  return reshape(g, gather(g, flat, index, 0), [rows.length, columns.length, channels, filters]);
}
