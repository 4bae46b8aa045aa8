import { StampedeError } from "./errors.js";
import type { MetricState, MetricStates } from "./schema/metrics.js";

/** @param value the mean over `count` samples */
export function meanMetric(value: number, count: number): MetricState {
  return { kind: "mean", sums: [value * count, count] };
}

/**
 * The metrics of all parts together. Sums are added from the first part to the last, so that merging in any grouping that begins at
 * the front gives the same bits. Parts without metrics, as of an executor without rows, are left out.
 * @throws StampedeError `training.incompatible-delta` when the parts have different metrics
 */
export function mergeMetrics(parts: readonly MetricStates[]): MetricStates {
  const filled = parts.filter((part) => Object.keys(part).length > 0);
  return filled.length === 0 ? {} : filled.reduce(mergeTwo);
}

function mergeTwo(left: MetricStates, right: MetricStates): MetricStates {
  const names = Object.keys(left);
  const others = Object.keys(right);
  if (names.length !== others.length || !names.every((name) => Object.hasOwn(right, name))) {
    throw different(names.join(", "), others.join(", "));
  }
  return Object.fromEntries(Object.entries(left).map(([name, state]) => [name, addStates(name, state, right[name])]));
}

function addStates(name: string, left: MetricState, right: MetricState | undefined): MetricState {
  if (right?.kind !== left.kind || right.sums.length !== left.sums.length) {
    throw different(typeOf(name, left), right === undefined ? "none" : typeOf(name, right));
  }
  return { kind: left.kind, sums: left.sums.map((sum, index) => sum + (right.sums[index] ?? 0)) };
}

const typeOf = (name: string, { kind, sums }: MetricState): string => `${name} (${kind}, ${sums.length} sums)`;

function different(expected: string, found: string): StampedeError {
  const message = `Expected all parts to have the metrics ${expected}, found ${found}. The parts were not merged.`;
  return new StampedeError("training.incompatible-delta", message);
}

/**
 * The figures themselves, by name.
 * - mean: sum / samples; left out without samples, because there is no such figure
 * - precision, recall: 0 when nothing was predicted, or is, positive, as in Keras
 * - r2Score: 1 - residuals / total sum of squares; where all labels are equal 1 when they were met exactly and otherwise 0, as in
 *   scikit-learn; left out without samples
 */
export function resolveMetrics(states: MetricStates): Record<string, number> {
  const figures = Object.entries(states).flatMap(([name, state]): [string, number][] => {
    const figure = resolve(state);
    return figure === undefined ? [] : [[name, figure]];
  });
  return Object.fromEntries(figures);
}

function resolve({ kind, sums }: MetricState): number | undefined {
  const [first = 0, second = 0, third = 0, fourth = 0] = sums;
  switch (kind) {
    case "mean":
      return second === 0 ? undefined : first / second;
    case "precision":
    case "recall":
      return second === 0 ? 0 : first / second;
    case "r2Score":
      return r2Score(first, second, third, fourth);
  }
}

function r2Score(samples: number, sum: number, sumOfSquares: number, residuals: number): number | undefined {
  if (samples === 0) return undefined;
  const total = sumOfSquares - (sum * sum) / samples;
  if (total > 0) return 1 - residuals / total;
  return residuals === 0 ? 1 : 0;
}
