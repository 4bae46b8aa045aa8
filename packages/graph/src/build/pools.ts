import type { Draw } from "../trace/random-draws.js";

/** Enough that two steps seldom see the same window (there are as many windows as numbers), small enough to be made in a few milliseconds. */
const minPoolLength = 2 ** 18;
/** A window is at most this part of its pool, so that windows differ. */
const windowsInPool = 8;

/** Numbers in each pool: a power of two; 0 where nothing is drawn. */
export function poolLengthFor(draws: readonly Draw[]): number {
  if (draws.length === 0) return 0;
  const largest = Math.max(...draws.map(({ size }) => size));
  return Math.max(minPoolLength, 2 ** Math.ceil(Math.log2(largest * windowsInPool)));
}
