import { parseJobId, type ErrorFacts, type Executors, type TaskMessage } from "@stampede/core";
import { describe, expect, it } from "vitest";
import { useHarness } from "./harness.js";

/**
 * A platform whose function tells of each start, and then does what its attempt id begins with: `end` at once, `hang` for
 * ever, or `crash`.
 */
export interface ExecutorsHarness {
  readonly executors: Executors;
  /** Milliseconds since the epoch, on the clock by which the platform measures deadlines. */
  readonly now: () => number;
  /** The nearest deadline that the platform keeps, from the start of an attempt. @default 5,000 */
  readonly shortestDeadlineMs?: number;
  /** Resolves when the function has begun the attempt; the number of times it did so by now. */
  readonly begun: (attemptId: string) => Promise<number>;
  /** What was reported as invocation-failed for the attempt, once something is. */
  readonly failed: (attemptId: string) => Promise<ErrorFacts>;
  /** Everything reported as invocation-failed by now. */
  readonly failures: () => readonly TaskMessage[];
  readonly advance: (ms: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

const job = parseJobId("contract");

/** The obligations of the Executors port, as vitest tests. */
export function executorsContract(name: string, makeHarness: () => Promise<ExecutorsHarness>): void {
  describe(`the executors contract: ${name}`, () => {
    const harness = useHarness(makeHarness);
    const taskOf = (attemptId: string, partition: number, timeoutMs = 60_000): TaskMessage => ({
      version: 1,
      job,
      stage: { kind: "train", round: 1 },
      partition,
      attempt: 1,
      attemptId,
      startedAt: harness().now(),
      frugal: false,
      platform: "function",
      deadlineAt: harness().now() + timeoutMs,
    });

    it("runs each task once, and reports nothing of those that ended", async () => {
      const { executors, begun, failures } = harness();
      const attempts = ["end-0", "end-1", "end-2", "end-3", "end-4"];
      for (const [partition, attempt] of attempts.entries()) await executors.start(taskOf(attempt, partition));
      for (const attempt of attempts) expect(await begun(attempt)).toBe(1);
      expect(failures()).toEqual([]);
    });

    it("resolves when the task is taken over, not when it is done", async () => {
      const { executors, begun } = harness();
      await executors.start(taskOf("hang-0", 0));
      expect(await begun("hang-0")).toBe(1);
    });

    it("stops an attempt that outlives its deadline, and reports it", async () => {
      const { executors, begun, failed, failures, advance, shortestDeadlineMs = 5_000 } = harness();
      const task = taskOf("hang-0", 0, shortestDeadlineMs);
      await executors.start(task);
      await begun("hang-0");
      await advance(shortestDeadlineMs - 1_000);
      expect(failures()).toEqual([]);
      await advance(1_000);
      expect(await failed("hang-0")).toMatchObject({ code: "task.timed-out", retryable: true });
      expect(failures()).toEqual([task]);
    });

    it("reports an attempt that ended without a word, and does not try it again by itself", async () => {
      const { executors, begun, failed, failures } = harness();
      const task = taskOf("crash-0", 0);
      await executors.start(task);
      expect(await failed("crash-0")).toMatchObject({ code: "task.crashed", retryable: true });
      expect(failures()).toEqual([task]);
      await executors.start(taskOf("end-1", 0));
      await begun("end-1");
      expect(await begun("crash-0")).toBe(1);
    });
  });
}
