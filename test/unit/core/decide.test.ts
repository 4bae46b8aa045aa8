import {
  aggregationPatienceMs,
  decide,
  maxTimerMs,
  type Decision,
  type FailureRecord,
  type JobFacts,
  type JobHead,
} from "@stampede/core";
import { describe, expect, it } from "vitest";
import { factsOf as anyFacts, failureOf as failed, headOf as committed, startsOf } from "../../support/job-facts.js";
import { makeJobSpec } from "../../support/job-specs.js";

const spec = makeJobSpec({
  partitionRows: [10, 10, 10],
  training: { epochs: 2, maxAttempts: 2, taskTimeoutSeconds: 60, backups: false },
});
const timeoutMs = 60_000;
const gone = { executorsGone: true, redelivered: false, firedTimer: undefined };
const begun = decide(factsOf({}), 1000);

function factsOf(overrides: Partial<JobFacts>): JobFacts {
  return anyFacts(spec, overrides);
}

const headOf = (decision: Decision): JobHead => committed(spec, decision);
const failureOf = (partition: number, attempt: number, retryable = true): FailureRecord =>
  failed(spec, partition, attempt, retryable ? {} : { code: "training.non-finite", retryable });
const firstRound = { kind: "train", round: 1 } as const;

describe("decide", () => {
  it("begins with the first attempt of every task and a timer at their deadline", () => {
    expect(begun.head?.stage).toEqual({ kind: "train", round: 1 });
    expect(startsOf(begun)).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    expect(begun.actions[0]).toEqual({ type: "wake", at: 1000 + timeoutMs });
  });

  it("remembers all kinds of kernels that have trained the job, from round to round", () => {
    expect(begun.head?.blocks).toEqual([]);
    const second = decide(factsOf({ head: headOf(begun), weightsCommitted: true, blocks: [0] }), 2000);
    expect(second.head?.blocks).toEqual([0]);
    const longer = makeJobSpec({ ...spec, training: { ...spec.training, epochs: 4 } });
    const third = decide(anyFacts(longer, { head: headOf(second), weightsCommitted: true, blocks: [16, 0] }), 3000);
    expect(third.head?.blocks).toEqual([16, 0]);
    const retried = decide(anyFacts(longer, { head: headOf(third), failures: [failureOf(1, 1)] }), 4000);
    expect(retried.head?.blocks).toEqual([16, 0]);
  });

  it("does nothing while tasks run and a timer is pending", () => {
    expect(decide(factsOf({ head: headOf(begun), outputs: new Set([1]) }), 2000)).toEqual({ actions: [] });
  });

  it("tries a failed task again, once, until its attempts are used up", () => {
    const facts = factsOf({ head: headOf(begun), failures: [failureOf(1, 1)] });
    const again = decide(facts, 2000);
    expect(startsOf(again)).toEqual([[1, 2]]);
    expect(again.head?.tasks).toMatchObject({ attempts: [1, 2, 1], failures: [0, 1, 0] });
    const after = { ...facts, head: headOf(again) };
    expect(startsOf(decide(after, 2001))).toEqual([]);
    const failures = [failureOf(1, 1), failureOf(1, 2)];
    const error = {
      code: "task.crashed",
      retryable: false,
      message:
        "Partition 1 failed in all of its 2 attempts (training.maxAttempts); the job ends as failed. The last reason: why",
    };
    const deadTask = { stage: firstRound, partition: 1, attempts: 2, error, failures };
    expect(decide({ ...after, failures }, 3000).actions).toEqual([{ type: "end", status: "failed", error, deadTask }]);
  });

  it("fails at once for an error that a retry cannot mend", () => {
    const [action] = decide(factsOf({ head: headOf(begun), failures: [failureOf(2, 1, false)] }), 2000).actions;
    expect(action).toMatchObject({ type: "end", status: "failed", error: { code: "training.non-finite" } });
  });

  it("ignores the failure of an attempt whose task another attempt completed", () => {
    const facts = factsOf({ head: headOf(begun), outputs: new Set([2]), failures: [failureOf(2, 1, false)] });
    expect(decide(facts, 2000)).toEqual({ actions: [] });
  });

  it("replaces an attempt that outlived its deadline, and then sets a later timer", () => {
    const late = decide(factsOf({ head: headOf(begun), outputs: new Set([0, 2]) }), 1000 + timeoutMs);
    expect(startsOf(late)).toEqual([[1, 2]]);
    expect(late.actions[0]).toEqual({ type: "wake", at: 1000 + 2 * timeoutMs });
  });

  it("starts tasks of executors that are gone anew without counting a failure, and keeps what was committed", () => {
    let head = headOf(begun);
    for (let crash = 1; crash <= 5; crash += 1) {
      const now = 2000 * crash;
      const resumed = decide(factsOf({ head, outputs: new Set([0]), wake: gone }), now);
      expect(startsOf(resumed)).toEqual([
        [1, crash + 1],
        [2, crash + 1],
      ]);
      expect(resumed.actions[0]?.type).toBe("wake");
      head = headOf(resumed);
      expect(head.tasks.failures).toEqual([0, 0, 0]);
    }
    expect(startsOf(decide(factsOf({ head, outputs: new Set([0]) }), 10_001))).toEqual([]);
  });

  it("tells the parameter server again when every delta is there but no weights", () => {
    const head = { ...headOf(begun), timerAt: 0 };
    const waiting = decide(factsOf({ head, outputs: new Set([0, 1, 2]) }), 5000);
    expect(waiting.actions).toEqual([
      { type: "aggregate", round: 1 },
      { type: "wake", at: 5000 + aggregationPatienceMs },
    ]);
  });

  it("enters the next round, then ends", () => {
    const second = decide(factsOf({ head: headOf(begun), weightsCommitted: true }), 4000);
    expect(second.head?.stage).toEqual({ kind: "train", round: 2 });
    expect(startsOf(second)).toHaveLength(3);
    const done = decide(factsOf({ head: headOf(second), weightsCommitted: true }), 5000);
    expect(done.actions).toEqual([{ type: "end", status: "succeeded", stage: { kind: "train", round: 2 } }]);
  });

  it("cancels, and does nothing once a result is there", () => {
    expect(decide(factsOf({ cancelRequested: true }), 0).actions).toEqual([{ type: "end", status: "cancelled" }]);
    expect(decide(factsOf({ ended: true, cancelRequested: true, head: headOf(begun) }), 0)).toEqual({ actions: [] });
  });

  it("ends a job that runs out of time, unless it is already complete", () => {
    const limited = makeJobSpec({ partitionRows: [10], training: { epochs: 1, jobTimeoutSeconds: 10 } });
    const first = decide(factsOf({ spec: limited }), 0);
    expect(first.actions[0]).toEqual({ type: "wake", at: 10_000 });
    const head = headOf(first);
    const late = decide(factsOf({ spec: limited, head }), 10_000);
    expect(late.actions[0]).toMatchObject({ status: "failed", error: { code: "job.timed-out" } });
    const complete = decide(factsOf({ spec: limited, head, weightsCommitted: true }), 10_000);
    expect(complete.actions[0]).toMatchObject({ status: "succeeded" });
  });

  it("never sets a timer beyond what a queue can delay", () => {
    const slow = makeJobSpec({
      partitionRows: [10],
      training: { taskTimeoutSeconds: 86_400, heartbeatTimeoutSeconds: 86_400, backups: false },
    });
    expect(decide(factsOf({ spec: slow }), 1000).actions[0]).toEqual({ type: "wake", at: 1000 + maxTimerMs });
  });
});
