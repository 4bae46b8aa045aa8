/** A benchmark cannot run here, for a reason a person can act on; shown without a stack. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** What a figure is held against. Only shown and recorded: benchmarks never fail. */
export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** One measured quantity. `value` is the median of `samples`. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly samples: readonly number[];
  readonly target?: Target;
  readonly met?: boolean;
}

/** What a suite found. `parameters` is everything that one must repeat to get the same figures. */
export interface SuiteReport {
  readonly suite: string;
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  readonly figures: readonly Figure[];
  /** The same once more with everything about one thing in one row, the first of which has the titles. */
  readonly table?: readonly (readonly string[])[];
  /** What was left out or done otherwise than usual, and why. */
  readonly notes?: readonly string[];
}

/** The middle value, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) throw new RangeError("Expected values, found none.");
  return (lower + upper) / 2;
}

export function figureOf(name: string, unit: string, samples: readonly number[], target?: Target): Figure {
  const value = median(samples);
  if (target === undefined) return { name, unit, value, samples };
  const met = "atLeast" in target ? value >= target.atLeast : value <= target.atMost;
  return { name, unit, value, samples, target, met };
}

/** Wall-clock seconds of one call. */
export async function secondsOf(run: () => unknown): Promise<number> {
  const began = performance.now();
  await run();
  return (performance.now() - began) / 1000;
}

/** Results of `repeats` calls one after the other. */
export async function samplesOf<T>(repeats: number, run: () => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  for (let i = 0; i < repeats; i++) results.push(await run());
  return results;
}

/** The same after one call whose result is thrown away. */
export async function warmSamplesOf<T>(repeats: number, run: () => Promise<T>): Promise<readonly T[]> {
  await run();
  return samplesOf(repeats, run);
}
