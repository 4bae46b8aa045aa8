import { meanMetric, mergeMetrics, resolveMetrics, type MetricState, type MetricStates } from "@stampede/core";
import { describe, expect, it } from "vitest";
import { thrown } from "./thrown.js";

const state = (kind: MetricState["kind"], ...sums: number[]): MetricState => ({ kind, sums });
const r2Of = (labels: readonly number[], predictions: readonly number[]): MetricState => {
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const residuals = labels.map((label, i) => (label - (predictions[i] ?? 0)) ** 2);
  return state("r2Score", labels.length, sum(labels), sum(labels.map((label) => label ** 2)), sum(residuals));
};

describe("mergeMetrics", () => {
  it("weights means by their samples", () => {
    const merged = mergeMetrics([{ loss: meanMetric(1, 1) }, { loss: meanMetric(4, 3) }]);
    expect(merged).toEqual({ loss: state("mean", 13, 4) });
    expect(resolveMetrics(merged)).toEqual({ loss: 3.25 });
  });

  it("leaves out parts without metrics; nothing of nothing", () => {
    const loss = { loss: meanMetric(2, 2) };
    expect(mergeMetrics([{}, loss, {}])).toEqual(loss);
    expect(mergeMetrics([{}, {}])).toEqual({});
    expect(mergeMetrics([])).toEqual({});
  });

  it("gives the same bits when it grows at the front", () => {
    const parts = [0.1, 0.2, 0.3, 1e17, -1e17].map((value): MetricStates => ({ loss: meanMetric(value, 1) }));
    const grown = parts.reduce((sum, part) => mergeMetrics([sum, part]));
    expect(grown).toEqual(mergeMetrics(parts));
  });

  it.each([
    [{ loss: meanMetric(1, 1) }, { acc: meanMetric(1, 1) }, "the metrics loss, found acc"],
    [
      { loss: meanMetric(1, 1) },
      { loss: meanMetric(1, 1), acc: meanMetric(1, 1) },
      "the metrics loss, found loss, acc",
    ],
    [
      { p: state("precision", 1, 2) },
      { p: state("recall", 1, 2) },
      "the metrics p (precision, 2 sums), found p (recall, 2 sums)",
    ],
    [{ p: state("mean", 1, 2) }, { p: state("mean", 1) }, "the metrics p (mean, 2 sums), found p (mean, 1 sums)"],
    [{ loss: meanMetric(1, 1) }, { toString: meanMetric(1, 1) }, "the metrics loss, found toString"],
  ])("refuses parts that do not belong together", (left, right, expected) => {
    const { code, message } = thrown(() => mergeMetrics([left, right]));
    expect(code).toBe("training.incompatible-delta");
    expect(message).toBe(`Expected all parts to have ${expected}. The parts were not merged.`);
  });
});

describe("resolveMetrics", () => {
  it("divides at last", () => {
    const states = { p: state("precision", 3, 4), r: state("recall", 3, 6), loss: state("mean", 5, 2) };
    expect(resolveMetrics(states)).toEqual({ p: 0.75, r: 0.5, loss: 2.5 });
  });

  it("has no mean without samples, and a precision and recall of 0 without positives, as Keras has", () => {
    const states = { loss: state("mean", 0, 0), p: state("precision", 0, 0), r: state("recall", 0, 0) };
    expect(resolveMetrics(states)).toEqual({ p: 0, r: 0 });
  });

  it("gives r2Score of the merged parts, not the mean of theirs", () => {
    const merged = mergeMetrics([{ r2: r2Of([3, -0.5], [2.5, 0]) }, { r2: r2Of([2, 7], [2, 8]) }]);
    // The example of scikit-learn's r2_score.
    expect(resolveMetrics(merged).r2).toBeCloseTo(0.9486081370449679, 14);
  });

  it("gives r2Score of equal labels as 1 or 0, and none without samples", () => {
    expect(resolveMetrics({ r2: r2Of([2, 2], [2, 2]) })).toEqual({ r2: 1 });
    expect(resolveMetrics({ r2: r2Of([2, 2], [2, 3]) })).toEqual({ r2: 0 });
    expect(resolveMetrics({ r2: r2Of([], []) })).toEqual({});
  });
});
