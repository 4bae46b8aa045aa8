import type { Decision, FailureRecord, JobFacts, JobHead, JobSpec, ProgressRecord } from "@stampede/core";

/** What a driver knows of a job that was just submitted, but for what a test says. */
export function factsOf(spec: JobSpec, overrides: Partial<JobFacts> = {}): JobFacts {
  return {
    spec,
    head: undefined,
    ended: false,
    cancelRequested: false,
    weightsCommitted: false,
    durations: [],
    blocks: [],
    closed: undefined,
    outputs: new Set(),
    failures: [],
    progress: [],
    wake: { executorsGone: false, redelivered: false, firedTimer: undefined },
    ...overrides,
  };
}

/** The head as the driver would have committed it. */
export function headOf({ job }: JobSpec, decision: Decision): JobHead {
  if (decision.head === undefined) throw new Error("expected a head");
  return { version: 1, job, token: "t", ...decision.head };
}

/** A failed attempt of a task of round 1. */
export function failureOf(
  { job }: JobSpec,
  partition: number,
  attempt: number,
  overrides: Partial<FailureRecord["error"]> = {},
): FailureRecord {
  const error = { code: "task.crashed", message: "why", retryable: true, ...overrides } as const;
  return { version: 1, job, stage: { kind: "train", round: 1 }, partition, attempt, failedAt: 2000, error };
}

/** A sign of life of a task of round 1. */
export function signOf(
  { job }: JobSpec,
  partition: number,
  attempt: number,
  at: number,
  longestPieceMs = 250,
): ProgressRecord {
  const task = { job, stage: { kind: "train", round: 1 }, partition, attempt, attemptId: `a${attempt}` } as const;
  return { version: 1, ...task, at, examples: 5, totalExamples: 10, longestPieceMs };
}

/** [partition, attempt] of every task that a decision starts. */
export function startsOf(decision: Decision): readonly (readonly [number, number])[] {
  return decision.actions.flatMap((action) =>
    action.type === "start" ? [[action.partition, action.attempt] as const] : [],
  );
}
