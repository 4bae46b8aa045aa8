import type { MetricStates, NamedTensors, Tensor } from "@stampede/core";

/** One thing that two engines agree on, more or less. */
export interface Agreement {
  readonly what: string;
  /** The largest difference of any element. */
  readonly difference: number;
  /** What it is measured by: a movement, or the largest value. */
  readonly scale: number;
  readonly bound: number;
}

export function ratioOf({ difference, scale }: Pick<Agreement, "difference" | "scale">): number {
  return difference === 0 ? 0 : difference / scale;
}

/** Anything that is not a number makes the difference NaN, which is within no bound. */
export function isWithin(agreement: Agreement): boolean {
  return ratioOf(agreement) <= agreement.bound;
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  let largest = 0;
  for (let index = 0; index < a.length; index += 1) {
    const [left = Number.NaN, right = Number.NaN] = [a[index], b[index]];
    const difference = left === right ? 0 : Math.abs(left - right);
    if (!(difference <= largest)) largest = difference;
    if (Number.isNaN(largest)) break;
  }
  return largest;
}

/** Differences of the named tensors, measured by how far the expected ones have moved. */
export function moved(
  what: string,
  names: readonly string[],
  { before, expected, found }: Readonly<Record<"before" | "expected" | "found", NamedTensors>>,
  bound: number,
): Agreement {
  const over = (a: NamedTensors, b: NamedTensors): number =>
    worst(names.map((name) => largestDifference(valuesOf(a, name), valuesOf(b, name))));
  return { what, difference: over(expected, found), scale: over(before, expected), bound };
}

function valuesOf(tensors: NamedTensors, name: string): Tensor["data"] {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new Error(`no tensor ${name} among ${[...tensors.keys()].join(", ")}`);
  return tensor.data;
}

function worst(list: readonly number[]): number {
  return list.some(Number.isNaN) ? Number.NaN : Math.max(0, ...list);
}

/** Differences of values, measured by the largest of them. */
export function valued(what: string, expected: ArrayLike<number>, found: ArrayLike<number>, bound: number): Agreement {
  const scale = worst(Array.from(expected, Math.abs));
  return { what, difference: largestDifference(expected, found), scale, bound };
}

/** What is compared of each metric: its mean, or the sums that it will be computed from. */
export function metricValues(list: readonly MetricStates[]): ReadonlyMap<string, readonly number[]> {
  const [first = {}] = list;
  return new Map(Object.keys(first).map((label) => [label, list.flatMap((states) => valuesIn(states, label))]));
}

function valuesIn(states: MetricStates, label: string): readonly number[] {
  const { kind, sums = [] } = states[label] ?? {};
  const [sum = Number.NaN, count = Number.NaN] = sums;
  return kind === "mean" ? [sum / count] : sums;
}
