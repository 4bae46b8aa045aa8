import type { ErrorFacts } from "../errors.js";
import type { FailureRecord, JobSpec, ProgressRecord, RetryRecord, TaskTable } from "../schema/job.js";
import type { JobFacts } from "./facts.js";
import { silentAt, type Evidence } from "./signs-of-life.js";

/** The last attempt of a task, as the head has it. */
export interface Task {
  readonly partition: number;
  readonly attempt: number;
  /** Of the attempts before it. */
  readonly failures: number;
  readonly startedAt: number;
  readonly deadlineAt: number;
}

export function taskAt(table: TaskTable, partition: number): Task {
  return {
    partition,
    attempt: table.attempts[partition] ?? 1,
    failures: table.failures[partition] ?? 0,
    startedAt: table.startedAt[partition] ?? 0,
    deadlineAt: table.deadlines[partition] ?? 0,
  };
}

type Verdict =
  | { readonly type: "running" }
  | {
      readonly type: "again";
      readonly why: RetryRecord["why"];
      readonly failures: number;
      readonly error?: ErrorFacts;
    }
  | { readonly type: "fatal"; readonly error: ErrorFacts };

/** What is to be thought of a task whose output is not there. */
export function judge({ spec, wake }: JobFacts, evidence: Evidence, task: Task, now: number): Verdict {
  // No failure, and the attempts that are left for those stay.
  if (evidence.hasAdvanced(task)) return { type: "again", why: "continued", failures: task.failures };
  const reported = failureOf(evidence.failureOf(task));
  // Lost together with the machine: no fault of the task, however long ago that was.
  if (reported === undefined && wake.executorsGone) {
    return { type: "again", why: "machine-gone", failures: task.failures };
  }
  const found = reported ?? timeoutOf(spec, task, now) ?? silenceOf(spec, task, evidence.signOf(task), now);
  if (found === undefined) return { type: "running" };
  const { why, error } = found;
  if (!error.retryable) return { type: "fatal", error };
  const failures = task.failures + 1;
  const { maxAttempts } = spec.training;
  if (failures < maxAttempts) return { type: "again", why, failures, error };
  const message = `Partition ${task.partition} failed in all of its ${maxAttempts} attempts (training.maxAttempts); the job ends as failed. The last reason: ${error.message}`;
  return { type: "fatal", error: { code: error.code, message, retryable: false } };
}

interface Found {
  readonly why: RetryRecord["why"];
  readonly error: ErrorFacts;
}

function failureOf(failure: FailureRecord | undefined): Found | undefined {
  return failure && { why: "failed", error: failure.error };
}

function timeoutOf(spec: JobSpec, { partition, attempt, deadlineAt }: Task, now: number): Found | undefined {
  if (now < deadlineAt) return undefined;
  const message = `Attempt ${attempt} of partition ${partition} did not end within ${spec.training.taskTimeoutSeconds} s (training.taskTimeoutSeconds).`;
  return { why: "timed-out", error: { code: "task.timed-out", message, retryable: true } };
}

function silenceOf(
  spec: JobSpec,
  { partition, attempt }: Task,
  sign: ProgressRecord | undefined,
  now: number,
): Found | undefined {
  if (sign === undefined || now < silentAt(spec, sign)) return undefined;
  const done = `${sign.examples} of ${sign.totalExamples} examples`;
  const message = `Attempt ${attempt} of partition ${partition} had trained ${done} and was then not heard of for ${Math.round((now - sign.at) / 1000)} s (training.heartbeatTimeoutSeconds).`;
  return { why: "silent", error: { code: "task.silent", message, retryable: true } };
}

/** Whether signs of life can tell the driver anything: it need not ask for them in the first minute of a stage. */
export function needsProgress(
  spec: JobSpec,
  stageStartedAt: number,
  { redelivered }: JobFacts["wake"],
  now: number,
): boolean {
  return redelivered || now - stageStartedAt >= spec.training.heartbeatTimeoutSeconds * 1000;
}
