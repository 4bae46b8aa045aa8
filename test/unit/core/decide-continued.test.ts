import { decide, type FailureRecord, type JobFacts, type JobHead } from "@stampede/core";
import { describe, expect, it } from "vitest";
import { factsOf, failureOf, headOf, startsOf } from "../../support/job-facts.js";
import { makeJobSpec } from "../../support/job-specs.js";

const training = { epochs: 3, maxAttempts: 2, taskTimeoutSeconds: 60, backups: false } as const;
const spec = makeJobSpec({ partitionRows: [10, 10], training });
const first = headOf(spec, decide(factsOf(spec), 1000));

/** An attempt that left a checkpoint with so many batches. */
function leftOff(attempt: number, continuesAt: number, failedAt: number, partition = 0): FailureRecord {
  return { ...failureOf(spec, partition, attempt, { code: "task.timed-out" }), continuesAt, failedAt };
}

function look(head: JobHead, at: number, failures: readonly FailureRecord[], more: Partial<JobFacts> = {}) {
  return decide(factsOf(spec, { head, failures, ...more }), at);
}

describe("a task whose time was over", () => {
  it("goes on at once, with a fresh deadline, and does not count as failed", () => {
    const next = look(first, 50_000, [leftOff(1, 4, 49_000)]);
    expect(startsOf(next)).toEqual([[0, 2]]);
    expect(next.head?.tasks).toMatchObject({ attempts: [2, 1], failures: [0, 0], deadlines: [110_000, 61_000] });
    expect(next.head?.continued).toEqual([{ partition: 0, begunAt: 1000 }]);
    expect(next.actions.at(-1)).toMatchObject({ type: "start", startedAt: 50_000, retry: { why: "continued" } });
    expect(next.actions.at(-1)).not.toHaveProperty("retry.error");
  });

  it("goes on as often as it takes, and is as old as its first attempt", () => {
    let head = first;
    const failures: FailureRecord[] = [];
    for (let attempt = 1; attempt <= 200; attempt += 1) {
      const at = 1000 + attempt * 50_000;
      failures.push(leftOff(attempt, attempt, at - 10));
      const next = look(head, at, failures);
      expect(startsOf(next)).toContainEqual([0, attempt + 1]);
      // The other one ends with the first.
      head = headOf(spec, look(head, at, failures, { outputs: new Set([1]) }));
      expect(head).toMatchObject({ continued: [{ partition: 0, begunAt: 1000 }], tasks: { failures: [0, 0] } });
    }
    expect(head.tasks.attempts).toEqual([201, 1]);
  });

  it("also goes on when that is first seen after its deadline, or after the machine went down", () => {
    const failures = [leftOff(1, 4, 60_000)];
    const outputs = new Set([1]);
    expect(look(first, 500_000, failures, { outputs }).head?.tasks.failures).toEqual([0, 0]);
    const wake = { executorsGone: true, redelivered: false, firedTimer: undefined };
    const resumed = look(first, 500_000, failures, { outputs, wake });
    expect(resumed.actions.at(-1)).toMatchObject({ retry: { why: "continued" } });
  });

  it("goes on although the clock of its executor is far behind the driver's", () => {
    expect(look(first, 50_000, [leftOff(1, 4, 5)]).head?.tasks.failures).toEqual([0, 0]);
  });

  it("that was evaluated only goes on too", () => {
    expect(look(first, 50_000, [leftOff(1, 0, 49_000)]).head?.tasks.failures).toEqual([0, 0]);
  });

  it("counts as failed when it has come no further than what was there when it began", () => {
    const second = headOf(spec, look(first, 50_000, [leftOff(1, 4, 49_000)]));
    const outputs = new Set([1]);
    for (const batches of [3, 4]) {
      const failures = [leftOff(1, 4, 49_000), leftOff(2, batches, 90_000)];
      const third = look(second, 91_000, failures, { outputs });
      expect(startsOf(third)).toEqual([[0, 3]]);
      expect(third.head?.tasks.failures).toEqual([1, 0]);
      expect(third.actions.at(-1)).toMatchObject({ retry: { why: "failed", error: { code: "task.timed-out" } } });
      expect(third.head?.continued).toEqual([]);
      const again = look(headOf(spec, third), 150_000, [...failures, leftOff(3, 4, 149_000)], { outputs });
      expect(again.actions[0]).toMatchObject({
        type: "end",
        status: "failed",
        deadTask: { partition: 0, failures: [] },
      });
    }
  });

  it("is measured by its own partition, and not by what another attempt kept meanwhile", () => {
    const second = headOf(spec, look(first, 50_000, [leftOff(1, 4, 49_000)]));
    const failures = [leftOff(1, 4, 49_000), leftOff(1, 9, 40_000, 1), leftOff(2, 5, 90_000)];
    expect(look(second, 91_000, failures, { outputs: new Set([1]) }).head?.tasks.failures).toEqual([0, 0]);
    // The slow attempt, for which the second one is a backup, came further after that had begun.
    const late = [leftOff(1, 9, 51_000), leftOff(2, 5, 90_000)];
    expect(look(second, 91_000, late, { outputs: new Set([1]) }).head?.tasks.failures).toEqual([0, 0]);
  });

  it("keeps the failures that were counted before", () => {
    const second = headOf(spec, look(first, 5000, [failureOf(spec, 0, 1)]));
    const failures = [failureOf(spec, 0, 1), leftOff(2, 4, 50_000)];
    const third = look(second, 51_000, failures);
    expect(third.head).toMatchObject({ tasks: { failures: [1, 0] }, continued: [{ partition: 0, begunAt: 5000 }] });
    expect(startsOf(look(headOf(spec, third), 52_000, [...failures, failureOf(spec, 0, 3)]))).toEqual([]);
  });
});

describe("the pace of tasks that are continued", () => {
  const slow = makeJobSpec({ partitionRows: [10, 10], training: { ...training, backups: true } });
  const facts = (head: JobHead, more: Partial<JobFacts>) => factsOf(slow, { head, outputs: new Set([1]), ...more });
  /** Round 2, begun at 200,000: whole tasks took 150 s, in three attempts each. */
  const round = (() => {
    const one = headOf(slow, decide(factsOf(slow), 1000));
    const more = { weightsCommitted: true, durations: [150_000, 150_000] };
    return headOf(slow, decide(facts(one, more), 200_000));
  })();
  const ends = (attempt: number): FailureRecord => ({
    ...leftOff(attempt, attempt, 200_000 + attempt * 55_000),
    stage: { kind: "train", round: 2 },
  });

  it("is that of whole tasks: none is slow because one of its attempts is, or before the usual time is over", () => {
    const second = headOf(slow, decide(facts(round, { failures: [ends(1)] }), 256_000));
    const third = headOf(slow, decide(facts(second, { failures: [ends(1), ends(2)] }), 311_000));
    expect(third).toMatchObject({ backups: [], continued: [{ partition: 0, begunAt: 200_000 }] });
    const failures = [ends(1), ends(2)];
    // Its deadline: it would be slow 187.5 s after its first attempt was started.
    expect(third.timerAt).toBe(371_000);
    expect(startsOf(decide(facts(third, { failures }), 370_999))).toEqual([]);
    const quick = headOf(slow, decide(facts(round, { failures: [ends(1)] }), 256_000));
    expect(startsOf(decide(facts(quick, { failures: [ends(1)] }), 315_000))).toEqual([]);
  });

  it("finds the one that is slow, whichever attempt it is at", () => {
    const long = makeJobSpec({
      partitionRows: [10, 10],
      training: { ...training, backups: true, taskTimeoutSeconds: 600 },
    });
    const second = headOf(
      long,
      decide(factsOf(long, { ...facts(round, { failures: [ends(1)] }), spec: long }), 256_000),
    );
    const at = (now: number) =>
      decide(factsOf(long, { head: second, outputs: new Set([1]), failures: [ends(1)] }), now);
    expect(startsOf(at(387_499))).toEqual([]);
    expect(startsOf(at(387_500))).toEqual([[0, 3]]);
    expect(at(387_500).head).toMatchObject({ backups: [0], continued: [] });
  });
});
