import type { JobEvent } from "@stampede/core";
import { kernelsAfter, noKernels, type Kernels } from "./kernels.js";

type EventOf<Name extends JobEvent["event"]> = Extract<JobEvent, { event: Name }>;
type Metrics = Readonly<Record<string, number>>;
type Stage = EventOf<"round.started">["stage"];

export interface ExecutorView {
  readonly status: "waiting" | "running" | "done" | "failed";
  /** The last one that was started. */
  readonly attempt: number;
  /** It was started because the one before is slow: both run, and what is shown is the one that is further. */
  readonly isBackup: boolean;
  readonly examples: number;
  readonly totalExamples: number;
  readonly examplesPerSecond: number;
  readonly metrics: Metrics;
}

export interface RoundView {
  readonly round: number;
  readonly metrics: Metrics;
  /** Of this round's weights; known when the next round, or the job, has ended. */
  readonly validation: Metrics | undefined;
  readonly wallMs: number;
}

/** What is known of a job from its events so far. */
export interface JobView {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly data: readonly EventOf<"data.ready">[];
  readonly submitted: EventOf<"job.submitted"> | undefined;
  readonly stage: Stage | undefined;
  readonly stageStartedAt: number;
  readonly rounds: number;
  readonly executors: readonly ExecutorView[];
  /** The last rounds, oldest first. */
  readonly recent: readonly RoundView[];
  /** Rounds that ended while we looked on, and their time: what an estimate follows from. */
  readonly timed: { readonly rounds: number; readonly wallMs: number };
  readonly failures: number;
  /** Tasks that were started again, backups and continued ones left out. */
  readonly retries: number;
  readonly backups: number;
  /** Of the retries since the job was last submitted or resumed, those of tasks that went down with the process that ran them. */
  readonly lost: number;
  /** Those that have trained so far. */
  readonly kernels: Kernels;
  readonly ended: EventOf<"job.succeeded"> | EventOf<"job.failed"> | undefined;
}

const recentRounds = 50;
const idle: ExecutorView = {
  status: "waiting",
  attempt: 1,
  isBackup: false,
  examples: 0,
  totalExamples: 0,
  examplesPerSecond: 0,
  metrics: {},
};

export function startView(startedAt: number): JobView {
  return {
    startedAt,
    data: [],
    submitted: undefined,
    stage: undefined,
    stageStartedAt: startedAt,
    rounds: 0,
    executors: [],
    recent: [],
    timed: { rounds: 0, wallMs: 0 },
    failures: 0,
    retries: 0,
    backups: 0,
    lost: 0,
    kernels: noKernels,
    ended: undefined,
  };
}

/** The view after `event`, which was heard at `at` (milliseconds since the epoch). */
export function applyEvent(view: JobView, event: JobEvent, at: number): JobView {
  switch (event.event) {
    case "data.ready":
      return { ...view, data: [...view.data, event] };
    case "job.submitted":
      // Also after an end: an interrupted job that goes on tells of itself again.
      return {
        ...view,
        submitted: event,
        stage: undefined,
        rounds: event.rounds,
        executors: waiting(event.executors),
        lost: 0,
        kernels: kernelsAfter(view.kernels, event),
        ended: undefined,
      };
    case "round.started":
      return startStage(view, event, at);
    case "task.started":
      return updateTask(view, event, (task) => started(task, event));
    case "task.progress":
      return updateTask(view, event, (task) => progressed(task, event));
    case "task.finished":
      return updateTask(view, event, (task) => finished(task, event));
    case "task.failed":
      return { ...updateTask(view, event, (task) => failed(task, event)), failures: view.failures + 1 };
    case "round.finished":
      return finishRound(view, event);
    case "task.retried":
      return countRetry(
        updateTask(view, event, (task) => retried(task, event)),
        event,
      );
    case "job.succeeded":
      return {
        ...view,
        recent: withValidation(view.recent, event.rounds, event.validation),
        kernels: kernelsAfter(view.kernels, event),
        ended: event,
      };
    case "job.failed":
      return { ...view, ended: event };
    default:
      return event satisfies never;
  }
}

function waiting(executors: number): ExecutorView[] {
  return Array.from({ length: executors }, () => idle);
}

function startStage(view: JobView, event: EventOf<"round.started">, at: number): JobView {
  return {
    ...view,
    stage: event.stage,
    stageStartedAt: at,
    rounds: event.rounds,
    executors: waiting(view.executors.length),
  };
}

interface TaskEvent {
  readonly stage: Stage;
  readonly partition: number;
  readonly attempt: number;
}

/** Words of a stage or task that is over change nothing. */
function updateTask(view: JobView, event: TaskEvent, update: (task: ExecutorView) => ExecutorView): JobView {
  const { stage } = view;
  if (stage !== undefined && (stage.kind !== event.stage.kind || stage.round !== event.stage.round)) return view;
  const task = view.executors[event.partition] ?? idle;
  if (task.status === "done") return view;
  const updated = update(task);
  if (updated === task) return view;
  const executors = [...view.executors];
  while (executors.length <= event.partition) executors.push(idle);
  executors[event.partition] = updated;
  return { ...view, stage: stage ?? event.stage, executors };
}

/** An older attempt than the one that runs, or a second one of a task that is shown already. */
function started(task: ExecutorView, { attempt }: TaskEvent): ExecutorView {
  if (attempt < task.attempt || (task.isBackup && task.status === "running")) return task;
  return { ...idle, status: "running", attempt, isBackup: task.isBackup && attempt === task.attempt };
}

/** Of a task with a backup whatever is further is shown, whichever attempt tells it. */
function progressed(task: ExecutorView, event: EventOf<"task.progress">): ExecutorView {
  const { examples, totalExamples, examplesPerSecond, metrics } = event;
  if (task.isBackup ? examples < task.examples : event.attempt < task.attempt) return task;
  const attempt = Math.max(task.attempt, event.attempt);
  const { isBackup } = task;
  return { status: "running", attempt, isBackup, examples, totalExamples, examplesPerSecond, metrics };
}

/** While a task has a backup, one failure does not end it. */
function failed(task: ExecutorView, { attempt }: TaskEvent): ExecutorView {
  if (attempt < task.attempt || task.isBackup) return task;
  return { ...task, status: "failed", attempt };
}

function retried(task: ExecutorView, { attempt, why }: EventOf<"task.retried">): ExecutorView {
  if (attempt < task.attempt) return task;
  if (why === "slow") return { ...task, attempt, isBackup: true };
  return why === "continued" ? { ...task, attempt } : { ...idle, attempt };
}

function countRetry(view: JobView, { why }: EventOf<"task.retried">): JobView {
  if (why === "slow") return { ...view, backups: view.backups + 1 };
  // Long work in several invocations: nothing has gone wrong.
  if (why === "continued") return view;
  return { ...view, retries: view.retries + 1, lost: view.lost + (why === "machine-gone" ? 1 : 0) };
}

/** Whatever attempt says so: it has committed the task's output, or found it committed. */
function finished(task: ExecutorView, event: EventOf<"task.finished">): ExecutorView {
  const { attempt, examples, computeMs } = event;
  return {
    status: "done",
    attempt,
    isBackup: false,
    examples,
    totalExamples: examples,
    examplesPerSecond: computeMs > 0 ? (examples / computeMs) * 1000 : task.examplesPerSecond,
    metrics: event.metrics,
  };
}

function finishRound(view: JobView, event: EventOf<"round.finished">): JobView {
  const { round, rounds, metrics, wallMs } = event;
  const known = withValidation(view.recent, round - 1, event.validation).filter((other) => other.round !== round);
  return {
    ...view,
    rounds,
    kernels: kernelsAfter(view.kernels, event),
    recent: [...known, { round, metrics, validation: undefined, wallMs }].slice(-recentRounds),
    timed: { rounds: view.timed.rounds + 1, wallMs: view.timed.wallMs + wallMs },
  };
}

function withValidation(rounds: readonly RoundView[], round: number, validation: Metrics | undefined): RoundView[] {
  if (validation === undefined) return [...rounds];
  return rounds.map((other) => (other.round === round ? { ...other, validation } : other));
}

/** How much of the stage's work is done, 0 ... 1: the mean of its tasks. */
export function stageProgress(view: JobView): number {
  if (view.executors.length === 0) return 0;
  let done = 0;
  for (const task of view.executors) done += taskProgress(task);
  return done / view.executors.length;
}

export function taskProgress(task: ExecutorView): number {
  if (task.status === "done") return 1;
  return task.totalExamples === 0 ? 0 : Math.min(1, task.examples / task.totalExamples);
}

/** Milliseconds until the last round ends, from the mean of the rounds so far; undefined while nothing is known. */
export function timeLeft(view: JobView, now: number): number | undefined {
  const { stage, timed, rounds } = view;
  if (stage?.kind !== "train" || view.ended !== undefined) return undefined;
  const elapsed = now - view.stageStartedAt;
  const progress = stageProgress(view);
  if (timed.rounds > 0) {
    const perRound = timed.wallMs / timed.rounds;
    return Math.max(0, perRound * (rounds - stage.round + 1) - elapsed);
  }
  if (progress < 0.05) return undefined;
  const perRound = elapsed / progress;
  return Math.max(0, perRound * (rounds - stage.round + 1) - elapsed);
}
