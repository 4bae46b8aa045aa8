import { fc, test } from "@fast-check/vitest";
import { decide, type FailureRecord, type JobFacts, type JobHead } from "@stampede/core";
import { expect } from "vitest";
import { makeJobSpec } from "../support/job-specs.js";

/** What may happen between two decisions. */
const happening = fc.record({
  type: fc.constantFrom("commit", "fail", "continue", "continue", "aggregate", "sleep", "restart", "look"),
  partition: fc.nat({ max: 4 }),
  ms: fc.nat({ max: 70_000 }),
});

test.prop([fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 3 }), fc.array(happening, { maxLength: 60 })])(
  "whatever happens: attempts are capped, rounds only go forward, and a job left alone ends",
  (partitions, epochs, happenings) => {
    const maxAttempts = 3;
    const partitionRows = Array.from({ length: partitions }, () => 10);
    const spec = makeJobSpec({ partitionRows, training: { epochs, maxAttempts, taskTimeoutSeconds: 60 } });
    let now = 1;
    let head: JobHead | undefined;
    let outputs = new Set<number>();
    let failures: FailureRecord[] = [];
    let weightsCommitted = false;
    let gone = false;
    let ended: string | undefined;
    /** The most that attempts of each partition have kept in the round. */
    let kept: number[] = [];
    let continued = 0;

    const look = (): void => {
      const facts: JobFacts = {
        spec,
        head,
        ended: ended !== undefined,
        cancelRequested: false,
        weightsCommitted,
        outputs,
        failures,
        durations: [],
        blocks: [],
        closed: undefined,
        progress: [],
        wake: { executorsGone: gone, redelivered: false, firedTimer: undefined },
      };
      const decision = decide(facts, now);
      expect(decide(facts, now)).toEqual(decision);
      if (decision.head !== undefined) {
        const before = head;
        head = { version: 1, job: spec.job, token: "t", ...decision.head };
        if (before !== undefined) expect(head.stage.round - before.stage.round).toBeOneOf([0, 1]);
        if (before?.stage.round !== head.stage.round) {
          outputs = new Set();
          failures = [];
          kept = [];
          weightsCommitted = false;
        }
        for (const failed of head.tasks.failures) expect(failed).toBeLessThan(maxAttempts);
      }
      for (const action of decision.actions) {
        if (action.type === "start" && action.retry?.why === "continued") continued += 1;
        if (action.type === "start") expect(outputs.has(action.partition)).toBe(false);
        if (action.type === "wake") expect(action.at).toBeGreaterThan(now);
        if (action.type === "aggregate" && outputs.size === partitions) weightsCommitted = true;
        if (action.type === "end") ended = action.status;
      }
      gone = false;
    };

    look();
    for (const { type, partition: drawn, ms } of happenings) {
      const partition = drawn % partitions;
      if (ended !== undefined || head === undefined) break;
      if (type === "sleep") now += ms;
      if (type === "commit" && !weightsCommitted) outputs.add(partition);
      if (type === "aggregate") weightsCommitted ||= outputs.size === partitions;
      if (type === "restart") gone = true;
      if (type === "fail") {
        const attempt = head.tasks.attempts[partition] ?? 1;
        const error = { code: "task.crashed", message: "", retryable: true } as const;
        failures.push({ version: 1, job: spec.job, stage: head.stage, partition, attempt, failedAt: now, error });
      }
      const before = {
        attempts: head.tasks.attempts[partition] ?? 1,
        failures: head.tasks.failures[partition],
        continued,
      };
      const isLeft = type === "continue" && !outputs.has(partition) && !weightsCommitted;
      // Some have come no further: those count as failed.
      const reached = isLeft ? Math.max(0, (kept[partition] ?? -1) + (ms % 3) - 1) : 0;
      const isFurther = reached > (kept[partition] ?? -1);
      if (isLeft) {
        const attempt = before.attempts;
        const error = { code: "task.timed-out", message: "", retryable: true } as const;
        const ending = {
          version: 1,
          job: spec.job,
          stage: head.stage,
          partition,
          attempt,
          failedAt: now,
          error,
        } as const;
        failures.push({ ...ending, continuesAt: reached });
        kept[partition] = Math.max(kept[partition] ?? -1, reached);
      }
      look();
      if (isLeft && isFurther && ended === undefined) {
        expect(continued).toBe(before.continued + 1);
        expect(head.tasks.attempts[partition]).toBe(before.attempts + 1);
        expect(head.tasks.failures[partition]).toBe(before.failures);
      }
    }
    for (let step = 0; step < 10 * epochs && ended === undefined; step += 1) {
      outputs = new Set(partitionRows.keys());
      now += 31_000;
      look();
    }
    expect(ended).toBeDefined();
  },
);
