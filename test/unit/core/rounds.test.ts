import { examplesOf, firstStage, nextStage, roundsOf, workOf } from "@stampede/core";
import { describe, expect, it } from "vitest";
import { makeJobSpec } from "../../support/job-specs.js";

describe("rounds", () => {
  it("an epoch a round by default", () => {
    const spec = makeJobSpec({ partitionRows: [100, 33], training: { epochs: 3, batchSize: 32 } });
    expect(roundsOf(spec)).toBe(3);
    expect(workOf(spec, 2, 0)).toEqual([{ epoch: 1, fromBatch: 0, toBatch: 4 }]);
    expect(workOf(spec, 2, 1)).toEqual([{ epoch: 1, fromBatch: 0, toBatch: 2 }]);
    expect(examplesOf(spec, 2, 1)).toBe(33);
  });

  it("frequency fit is one round with every epoch", () => {
    const spec = makeJobSpec({ partitionRows: [10], training: { epochs: 2, batchSize: 4, frequency: "fit" } });
    expect(roundsOf(spec)).toBe(1);
    expect(workOf(spec, 1, 0)).toEqual([
      { epoch: 0, fromBatch: 0, toBatch: 3 },
      { epoch: 1, fromBatch: 0, toBatch: 3 },
    ]);
    expect(examplesOf(spec, 1, 0)).toBe(20);
  });

  it("a partition with fewer batches has nothing to do in the last rounds of an epoch", () => {
    const spec = makeJobSpec({
      partitionRows: [100, 33],
      training: { epochs: 2, batchSize: 10, frequency: { steps: 4 } },
    });
    expect(roundsOf(spec)).toBe(6);
    expect(workOf(spec, 3, 0)).toEqual([{ epoch: 0, fromBatch: 8, toBatch: 10 }]);
    expect(workOf(spec, 2, 1)).toEqual([{ epoch: 0, fromBatch: 4, toBatch: 4 }]);
    expect(examplesOf(spec, 1, 1)).toBe(33);
    expect(examplesOf(spec, 2, 1)).toBe(0);
    expect(workOf(spec, 4, 1)).toEqual([{ epoch: 1, fromBatch: 0, toBatch: 4 }]);
  });

  it("empty partitions have rounds without examples", () => {
    const spec = makeJobSpec({ partitionRows: [0, 5], training: { frequency: "batch", batchSize: 5, epochs: 1 } });
    expect(roundsOf(spec)).toBe(1);
    expect(examplesOf(spec, 1, 0)).toBe(0);
  });

  it("a training job evaluates its last weights when it has validation data", () => {
    const plain = makeJobSpec({ training: { epochs: 2 } });
    const validated = makeJobSpec({ training: { epochs: 2 }, validation: plain.dataset });
    expect(firstStage(plain)).toEqual({ kind: "train", round: 1 });
    expect(nextStage(plain, { kind: "train", round: 1 })).toEqual({ kind: "train", round: 2 });
    expect(nextStage(plain, { kind: "train", round: 2 })).toBeUndefined();
    expect(nextStage(validated, { kind: "train", round: 2 })).toEqual({ kind: "evaluate", round: 2 });
    expect(nextStage(validated, { kind: "evaluate", round: 2 })).toBeUndefined();
  });

  it("evaluate and predict jobs have one stage", () => {
    for (const kind of ["evaluate", "predict"] as const) {
      const spec = makeJobSpec({ kind });
      expect(firstStage(spec)).toEqual({ kind, round: 0 });
      expect(nextStage(spec, { kind, round: 0 })).toBeUndefined();
    }
  });
});
