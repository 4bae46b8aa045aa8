import { decide, type JobFacts, type JobHead, type TrainingSettings } from "@stampede/core";
import { describe, expect, it } from "vitest";
import { factsOf, headOf, startsOf } from "../../support/job-facts.js";
import { makeJobSpec } from "../../support/job-specs.js";

const four = [10, 10, 10, 10];

/** Round 2 of a job whose first round took these times, begun at 10,000. */
function secondRound(
  durations: readonly number[],
  training: Partial<TrainingSettings> = {},
): { readonly look: (at: number, overrides?: Partial<JobFacts>) => ReturnType<typeof decide>; readonly head: JobHead } {
  const spec = makeJobSpec({ partitionRows: durations.map(() => 10), training: { epochs: 5, ...training } });
  const first = headOf(spec, decide(factsOf(spec), 1000));
  const entered = decide(factsOf(spec, { head: first, weightsCommitted: true, durations }), 10_000);
  const head = headOf(spec, entered);
  return { head, look: (at, overrides = {}) => decide(factsOf(spec, { head, ...overrides }), at) };
}

describe("backups of slow tasks", () => {
  it("are started after median + 3 * MAD of the job's own history, once for each task", () => {
    // Median 1000, deviations 0, 100, 100, 200: MAD 100.
    const { head, look } = secondRound([1000, 900, 1100, 1200]);
    expect(head.durations).toEqual([1000, 900, 1100, 1200]);
    const outputs = new Set([0, 1, 2]);
    expect(startsOf(look(11_299, { outputs }))).toEqual([]);
    const slow = look(11_300, { outputs });
    expect(startsOf(slow)).toEqual([[3, 2]]);
    expect(slow.actions.at(-1)).toMatchObject({ type: "start", retry: { why: "slow" } });
    expect(slow.head).toMatchObject({ backups: [3], tasks: { failures: [0, 0, 0, 0] } });
    const spec = makeJobSpec({ partitionRows: four, training: { epochs: 5 } });
    const after = headOf(spec, slow);
    expect(startsOf(decide(factsOf(spec, { head: after, outputs }), 20_000))).toEqual([]);
  });

  it("have slack where all rounds are alike: a quarter of the median, and 40 ms", () => {
    const even = secondRound([4000, 4000]);
    expect(startsOf(even.look(14_999, { outputs: new Set([0]) }))).toEqual([]);
    expect(startsOf(even.look(15_000, { outputs: new Set([0]) }))).toEqual([[1, 2]]);
    const fast = secondRound([100, 100]);
    expect(startsOf(fast.look(10_139, { outputs: new Set([0]) }))).toEqual([]);
    expect(startsOf(fast.look(10_140, { outputs: new Set([0]) }))).toEqual([[1, 2]]);
  });

  it("the timer of a round comes when its first task would be slow", () => {
    expect(secondRound([4000, 4000]).head.timerAt).toBe(15_000);
    expect(secondRound([4000, 4000], { backups: false }).head.timerAt).toBe(70_000);
  });

  it("wait until half of the tasks are done: otherwise the whole round is slow", () => {
    const { look } = secondRound([1000, 1000, 1000, 1000]);
    const early = look(11_250, { outputs: new Set([0]) });
    expect(startsOf(early)).toEqual([]);
    // Looked at again when twice that time has passed.
    expect(early.actions).toEqual([{ type: "wake", at: 12_500 }]);
    expect(startsOf(look(12_500, { outputs: new Set([0, 1]) }))).toEqual([
      [2, 2],
      [3, 2],
    ]);
  });

  it("one odd round does not change what is usual", () => {
    const { head } = secondRound([1000, 20_000]);
    expect(head.timerAt).toBe(11_250);
  });

  it("without history a task gets twice the time in which half of the others ended", () => {
    const spec = makeJobSpec({ partitionRows: [10, 10], training: { epochs: 5 } });
    const head = headOf(spec, decide(factsOf(spec), 1000));
    expect(head.timerAt).toBe(3000);
    expect(decide(factsOf(spec, { head }), 3000).head?.timerAt).toBe(5000);
    const half = decide(factsOf(spec, { head, outputs: new Set([1]) }), 3000);
    expect(half.head).toMatchObject({ halfAfterMs: 2000, timerAt: 5040 });
    const seen = headOf(spec, half);
    expect(startsOf(decide(factsOf(spec, { head: seen, outputs: new Set([1]) }), 5039))).toEqual([]);
    expect(startsOf(decide(factsOf(spec, { head: seen, outputs: new Set([1]) }), 5040))).toEqual([[0, 2]]);
  });

  it("can be switched off", () => {
    const { look } = secondRound([1000, 1000], { backups: false });
    expect(startsOf(look(50_000, { outputs: new Set([0]) }))).toEqual([]);
  });
});

describe("a quorum", () => {
  const quorum = { quorum: 0.75, backups: false };

  it("ends a round without the slowest, when the time that tasks usually take is over", () => {
    const { look } = secondRound([1000, 1000, 1000, 1000], quorum);
    const outputs = new Set([3, 0, 1]);
    expect(look(11_249, { outputs }).actions).toEqual([]);
    expect(look(11_250, { outputs }).actions).toContainEqual({ type: "close", round: 2, partitions: [0, 1, 3] });
    expect(look(11_250, { outputs: new Set([0, 1]) }).actions).not.toContainEqual(
      expect.objectContaining({ type: "close" }),
    );
  });

  it("waits no longer than the grace period, and not at all once all are there", () => {
    const { look } = secondRound([1000, 1000, 1000, 1000], { ...quorum, graceSeconds: 0.1 });
    expect(look(11_100, { outputs: new Set([0, 1, 2]) }).actions).toContainEqual(
      expect.objectContaining({ type: "close" }),
    );
    expect(look(10_500, { outputs: new Set([0, 1, 2, 3]) }).actions[0]).toEqual({ type: "aggregate", round: 2 });
  });

  it("that was closed waits for the weights only", () => {
    const { look } = secondRound([1000, 1000, 1000, 1000], quorum);
    const closed = look(12_000, { outputs: new Set([0, 1, 2]), closed: [0, 1, 2] });
    expect(closed.actions[0]).toEqual({ type: "aggregate", round: 2 });
    expect(startsOf(closed)).toEqual([]);
  });

  it("that was closed has a member's task done again when its delta is found damaged, and nobody else's", () => {
    const { look } = secondRound([1000, 1000, 1000, 1000], quorum);
    const error = { code: "task.output-damaged", message: "", retryable: true } as const;
    const failed = {
      version: 1,
      job: makeJobSpec().job,
      stage: { kind: "train", round: 2 },
      failedAt: 0,
      error,
    } as const;
    const failures = [{ ...failed, partition: 1, attempt: 1, damagedObject: "0123456789abcdef" }];
    const again = look(12_000, { outputs: new Set([0, 2]), closed: [0, 1, 2], failures });
    expect(startsOf(again)).toEqual([[1, 2]]);
  });

  it("never ends an evaluation", () => {
    const spec = makeJobSpec({ kind: "evaluate", partitionRows: four, training: quorum });
    const head = headOf(spec, decide(factsOf(spec), 0));
    const late = decide(factsOf(spec, { head: { ...head, halfAfterMs: 10 }, outputs: new Set([0, 1, 2]) }), 100_000);
    expect(late.actions.some(({ type }) => type === "close")).toBe(false);
  });
});
