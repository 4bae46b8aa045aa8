import { fc, test } from "@fast-check/vitest";
import { mergeMetrics, resolveMetrics, type MetricStates } from "@stampede/core";
import { expect } from "vitest";

fc.configureGlobal({ seed: 1 });

const whole = fc.integer({ min: -1_000_000, max: 1_000_000 });
const count = fc.nat({ max: 1000 });
const states: fc.Arbitrary<MetricStates> = fc.record({
  loss: fc.tuple(whole, count).map((sums) => ({ kind: "mean" as const, sums })),
  precision: fc
    .tuple(count, count)
    .map(([hits, misses]) => ({ kind: "precision" as const, sums: [hits, hits + misses] })),
  r2: fc.array(fc.tuple(whole, whole), { maxLength: 5 }).map((pairs) => {
    const sum = (of: (y: number, p: number) => number): number => pairs.reduce((total, [y, p]) => total + of(y, p), 0);
    return {
      kind: "r2Score" as const,
      sums: [pairs.length, sum((y) => y), sum((y) => y * y), sum((y, p) => (y - p) ** 2)],
    };
  }),
});
const list = fc.array(fc.oneof(states, fc.constant<MetricStates>({})), { maxLength: 6 });

test.prop([list, fc.nat()])(
  "merging is associative and has the empty part as its neutral one (exactly, on whole numbers)",
  (parts, place) => {
    const at = place % (parts.length + 1);
    const merged = mergeMetrics(parts);
    expect(mergeMetrics([mergeMetrics(parts.slice(0, at)), mergeMetrics(parts.slice(at))])).toEqual(merged);
    expect(mergeMetrics(parts.toSpliced(at, 0, {}))).toEqual(merged);
    expect(mergeMetrics(parts.toReversed())).toEqual(merged);
  },
);

test.prop([list])("figures are finite, and ratios lie in 0 ... 1", (parts) => {
  const figures = resolveMetrics(mergeMetrics(parts));
  for (const figure of Object.values(figures)) expect(Number.isFinite(figure)).toBe(true);
  if (figures.precision !== undefined) {
    expect(figures.precision).toBeGreaterThanOrEqual(0);
    expect(figures.precision).toBeLessThanOrEqual(1);
  }
  if (figures.r2 !== undefined) expect(figures.r2).toBeLessThanOrEqual(1);
});
