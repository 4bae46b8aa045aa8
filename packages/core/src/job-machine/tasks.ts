import type { ErrorFacts } from "../errors.js";
import type { FailureRecord, JobHead, JobSpec, TaskTable } from "../schema/job.js";
import type { Stage } from "../schema/stage.js";
import type { Action, JobFacts } from "./facts.js";

type Start = Extract<Action, { type: "start" }>;

interface StartedStage {
  readonly tasks: TaskTable;
  readonly starts: readonly Start[];
  readonly nextDeadline: number;
}

/** The first attempt of every task of a stage. */
export function startAll(spec: JobSpec, stage: Stage, now: number): StartedStage {
  const filled = (value: number): number[] => Array.from<number>({ length: spec.partitions }).fill(value);
  const deadlineAt = now + taskTimeoutMs(spec);
  return {
    tasks: { attempts: filled(1), failures: filled(0), startedAt: filled(now), deadlines: filled(deadlineAt) },
    starts: filled(0).map((_, partition) => ({ type: "start", stage, partition, attempt: 1, deadlineAt })),
    nextDeadline: deadlineAt,
  };
}

interface Review extends StartedStage {
  /** Why the job cannot go on. */
  readonly fatal: ErrorFacts | undefined;
}

/** Looks at every task that has not committed its output: still running, to be tried again, or beyond hope. */
export function reviewTasks(facts: JobFacts, head: JobHead, now: number): Review {
  const { spec } = facts;
  const failureOf = latestFailures(facts.failures);
  const table = copyOf(head.tasks);
  const starts: Start[] = [];
  let nextDeadline = Number.POSITIVE_INFINITY;
  for (let partition = 0; partition < spec.partitions; partition += 1) {
    if (facts.outputs.has(partition)) continue;
    const task = taskAt(head.tasks, partition);
    const verdict = judge(spec, task, failureOf.get(`${partition}:${task.attempt}`), facts.executorsGoneBefore, now);
    if (verdict.type === "fatal") return { fatal: verdict.error, tasks: head.tasks, starts: [], nextDeadline };
    if (verdict.type === "again") {
      table.attempts[partition] = task.attempt + 1;
      table.failures[partition] = verdict.failures;
      table.startedAt[partition] = now;
      table.deadlines[partition] = now + taskTimeoutMs(spec);
      starts.push({
        type: "start",
        stage: head.stage,
        partition,
        attempt: task.attempt + 1,
        deadlineAt: now + taskTimeoutMs(spec),
      });
    }
    nextDeadline = Math.min(nextDeadline, table.deadlines[partition] ?? nextDeadline);
  }
  return { fatal: undefined, tasks: table, starts, nextDeadline };
}

interface Task {
  readonly partition: number;
  readonly attempt: number;
  readonly failures: number;
  readonly startedAt: number;
  readonly deadlineAt: number;
}

type Verdict =
  | { readonly type: "running" }
  | { readonly type: "again"; readonly failures: number }
  | { readonly type: "fatal"; readonly error: ErrorFacts };

function judge(
  spec: JobSpec,
  task: Task,
  failure: FailureRecord | undefined,
  goneBefore: number,
  now: number,
): Verdict {
  const error = failure?.error ?? (now >= task.deadlineAt ? timedOut(spec, task) : undefined);
  if (error === undefined) {
    return task.startedAt < goneBefore ? { type: "again", failures: task.failures } : { type: "running" };
  }
  if (!error.retryable) return { type: "fatal", error };
  const failures = task.failures + 1;
  const { maxAttempts } = spec.training;
  if (failures < maxAttempts) return { type: "again", failures };
  const message = `Partition ${task.partition} failed in all of its ${maxAttempts} attempts (training.maxAttempts); the job ends as failed. The last reason: ${error.message}`;
  return { type: "fatal", error: { code: error.code, message, retryable: false } };
}

function timedOut(spec: JobSpec, task: Task): ErrorFacts {
  const message = `Attempt ${task.attempt} of partition ${task.partition} did not end within ${spec.training.taskTimeoutSeconds} s (training.taskTimeoutSeconds).`;
  return { code: "task.timed-out", message, retryable: true };
}

function latestFailures(failures: readonly FailureRecord[]): ReadonlyMap<string, FailureRecord> {
  return new Map(failures.map((failure) => [`${failure.partition}:${failure.attempt}`, failure]));
}

function taskAt(table: TaskTable, partition: number): Task {
  return {
    partition,
    attempt: table.attempts[partition] ?? 1,
    failures: table.failures[partition] ?? 0,
    startedAt: table.startedAt[partition] ?? 0,
    deadlineAt: table.deadlines[partition] ?? 0,
  };
}

function copyOf(table: TaskTable): { [K in keyof TaskTable]: number[] } {
  return {
    attempts: [...table.attempts],
    failures: [...table.failures],
    startedAt: [...table.startedAt],
    deadlines: [...table.deadlines],
  };
}

function taskTimeoutMs(spec: JobSpec): number {
  return Math.ceil(spec.training.taskTimeoutSeconds * 1000);
}
