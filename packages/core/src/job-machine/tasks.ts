import type { ErrorFacts } from "../errors.js";
import type { FailureRecord, JobHead, JobSpec, TaskTable } from "../schema/job.js";
import type { Stage } from "../schema/stage.js";
import type { DeadTask, JobFacts, NextHead, StartAction } from "./facts.js";
import { judge, taskAt, type Task } from "./judge.js";
import { evidenceOf, silentAt, type Evidence } from "./signs-of-life.js";
import { closesAt, firstUnknownLook, hasQuorum, isHalfDone, nextLookAt, paceOf, type Pace } from "./stragglers.js";

/** The first attempt of every task of a stage. */
export function startAll(
  spec: JobSpec,
  stage: Stage,
  before: NextHead | undefined,
  now: number,
): { readonly head: NextHead; readonly starts: readonly StartAction[]; readonly lookAt: number } {
  const filled = (value: number): number[] => Array.from<number>({ length: spec.partitions }).fill(value);
  const deadlineAt = now + taskTimeoutMs(spec);
  const head: NextHead = {
    stage,
    stageStartedAt: now,
    tasks: { attempts: filled(1), failures: filled(0), startedAt: filled(now), deadlines: filled(deadlineAt) },
    backups: [],
    continued: [],
    frugal: before?.frugal ?? [],
    durations: before?.durations ?? [],
    blocks: before?.blocks ?? [],
    timerAt: 0,
  };
  const starts = filled(0).map((_, partition) => startOf(head, partition));
  return { head, starts, lookAt: nextLook({ spec, head, pace: paceOf(head) }, new Set(), deadlineAt, now) };
}

/** What a look at the tasks of a stage leads to. */
type Review =
  /** The job cannot go on. */
  | { readonly type: "fatal"; readonly task: DeadTask }
  /** The round ends with these deltas. */
  | { readonly type: "close"; readonly partitions: readonly number[] }
  | {
      readonly type: "going-on";
      readonly head: NextHead;
      /** Whether `head` says anything new. */
      readonly changed: boolean;
      readonly starts: readonly StartAction[];
      readonly lookAt: number;
    };

/** Looks at every task that has not committed its output: still running, slow, to be tried again, or beyond hope. */
export function reviewTasks(facts: JobFacts, head: JobHead, now: number): Review {
  const { spec, failures, outputs: present } = facts;
  const evidence = evidenceOf(failures, facts.progress);
  const isPaceUnknown = paceOf(head) === undefined && isHalfDone(spec, present.size);
  const halfAfterMs = isPaceUnknown ? Math.max(0, now - head.stageStartedAt) : head.halfAfterMs;
  const next: Mutable = {
    ...head,
    tasks: copyOf(head.tasks),
    backups: [...head.backups],
    begunAt: begunAtOf(head),
    frugal: withFrugal(head.frugal, failures),
    ...(halfAfterMs !== undefined && { halfAfterMs }),
  };
  const pace = paceOf({ ...head, ...(halfAfterMs !== undefined && { halfAfterMs }) });
  if (
    facts.closed === undefined &&
    hasQuorum(spec, head, present.size) &&
    pace !== undefined &&
    now >= closesAt(spec, head, pace)
  ) {
    return { type: "close", partitions: [...present].toSorted((a, b) => a - b) };
  }
  const starts: StartAction[] = [];
  for (const partition of membersOf(facts)) {
    if (present.has(partition)) continue;
    const task = taskAt(head.tasks, partition);
    const verdict = judge(facts, evidence, task, now);
    if (verdict.type === "fatal") return { type: "fatal", task: deadTask(head.stage, task, verdict.error, failures) };
    if (verdict.type === "again") {
      starts.push(startAgain(spec, next, task, verdict, now));
    } else if (isSlow(spec, next, task, pace, now) && isHalfDone(spec, present.size)) {
      next.backups.push(partition);
      starts.push(startAgain(spec, next, task, { why: "slow", failures: task.failures }, now));
    } else if (facts.wake.redelivered && evidence.signOf(task) === undefined) {
      // Nobody knows whether it was started; of two executors with the same attempt one counts, as ever.
      starts.push(startOf(head, partition));
    }
  }
  const changed =
    starts.some(({ retry }) => retry !== undefined) ||
    next.frugal.length > head.frugal.length ||
    halfAfterMs !== head.halfAfterMs;
  const deadline = nextDeadline(next.tasks, present);
  const { begunAt, ...others } = next;
  const entered: NextHead = {
    ...others,
    continued: [...begunAt].map(([partition, at]) => ({ partition, begunAt: at })),
  };
  return {
    type: "going-on",
    head: entered,
    changed,
    starts,
    lookAt: nextLook({ spec, head: entered, pace, evidence }, present, deadline, now),
  };
}

/** Partitions without whose outputs the stage does not end. */
export function membersOf({ spec, closed }: Pick<JobFacts, "spec" | "closed">): readonly number[] {
  return closed ?? Array.from({ length: spec.partitions }, (_, partition) => partition);
}

interface Mutable extends NextHead {
  readonly tasks: { [K in keyof TaskTable]: number[] };
  readonly backups: number[];
  /** `continued` by partition. */
  readonly begunAt: Map<number, number>;
}

function begunAtOf({ continued }: NextHead): Map<number, number> {
  return new Map(continued.map(({ partition, begunAt }) => [partition, begunAt]));
}

interface Again extends NonNullable<StartAction["retry"]> {
  readonly failures: number;
}

function startAgain(spec: JobSpec, next: Mutable, task: Task, again: Again, now: number): StartAction {
  const { partition, attempt } = task;
  if (again.why === "continued") next.begunAt.set(partition, next.begunAt.get(partition) ?? task.startedAt);
  else next.begunAt.delete(partition);
  next.tasks.attempts[partition] = attempt + 1;
  next.tasks.failures[partition] = again.failures;
  next.tasks.startedAt[partition] = now;
  next.tasks.deadlines[partition] = now + taskTimeoutMs(spec);
  const { why, error } = again;
  return { ...startOf(next, partition), retry: { why, ...(error && { error }) } };
}

function startOf({ stage, tasks, frugal }: NextHead, partition: number): StartAction {
  const { attempt, startedAt, deadlineAt } = taskAt(tasks, partition);
  return { type: "start", stage, partition, attempt, startedAt, deadlineAt, frugal: frugal.includes(partition) };
}

/** A task that goes on from a checkpoint is as old as its first attempt: what is usual is the time of whole tasks. */
function isSlow(
  { training }: JobSpec,
  { backups, begunAt }: Mutable,
  { partition, startedAt }: Task,
  pace: Pace | undefined,
  now: number,
): boolean {
  if (!training.backups || pace === undefined || backups.includes(partition)) return false;
  return now - (begunAt.get(partition) ?? startedAt) >= pace.medianMs + pace.slackMs;
}

interface Looking {
  readonly spec: JobSpec;
  readonly head: NextHead;
  readonly pace: Pace | undefined;
  readonly evidence?: Evidence;
}

/** When the stage has to be looked at again although nothing is heard: its next deadline, slow task or silent executor. */
function nextLook(
  { spec, head, pace, evidence }: Looking,
  present: ReadonlySet<number>,
  deadline: number,
  now: number,
): number {
  const timeout = spec.training.heartbeatTimeoutSeconds * 1000;
  const looks = [deadline];
  const slowAfterMs = pace && pace.medianMs + pace.slackMs;
  const begunAt = begunAtOf(head);
  const watchesPace = spec.partitions > 1 && (spec.training.backups || spec.training.quorum < 1);
  if (watchesPace && slowAfterMs === undefined) looks.push(firstUnknownLook(head, now));
  for (let partition = 0; partition < spec.partitions; partition += 1) {
    if (present.has(partition)) continue;
    const task = taskAt(head.tasks, partition);
    const { startedAt } = task;
    const sign = evidence?.signOf(task);
    looks.push(sign === undefined ? nextMultiple(startedAt, timeout, now) : silentAt(spec, sign));
    const isWatched = watchesPace && slowAfterMs !== undefined && !head.backups.includes(partition);
    if (isWatched) looks.push(nextLookAt(begunAt.get(partition) ?? startedAt, slowAfterMs, now));
  }
  return looks.reduce((next, at) => Math.min(next, at), Infinity);
}

function nextMultiple(from: number, everyMs: number, now: number): number {
  return from + everyMs * Math.max(1, Math.floor((now - from) / everyMs) + 1);
}

function nextDeadline({ deadlines }: TaskTable, present: ReadonlySet<number>): number {
  return deadlines.reduce((next, at, partition) => (present.has(partition) ? next : Math.min(next, at)), Infinity);
}

function withFrugal(known: readonly number[], failures: readonly FailureRecord[]): number[] {
  const hungry = failures.filter(({ error }) => error.code === "task.out-of-memory").map(({ partition }) => partition);
  return [...new Set([...known, ...hungry])].toSorted((a, b) => a - b);
}

function deadTask(stage: Stage, task: Task, error: ErrorFacts, failures: readonly FailureRecord[]): DeadTask {
  const { partition, attempt } = task;
  const own = failures.filter((each) => each.partition === partition && each.continuesAt === undefined).slice(-1000);
  return { stage, partition, attempts: attempt, error, failures: own };
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
