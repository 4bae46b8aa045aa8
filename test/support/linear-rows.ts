import { randomUint32 } from "@stampede/core";
import { memorySource, type MemoryDataset } from "@stampede/data";

/** Rows [a, b] in -1 ... 1 with y = 2a - 3b, the same for the same seed. */
export function linearRows(rows: number, seed: number): MemoryDataset {
  const value = (counter: number): number => (randomUint32(seed, counter) / 2 ** 32) * 2 - 1;
  const x = Array.from({ length: rows }, (_, row) => [value(2 * row), value(2 * row + 1)]);
  return memorySource({ x, y: x.map(([a = 0, b = 0]) => 2 * a - 3 * b) });
}
