import type { JobEvent } from "@stampede/core";

type EventOf<Name extends JobEvent["event"]> = Extract<JobEvent, { event: Name }>;
type Metrics = Readonly<Record<string, number>>;
type Stage = EventOf<"round.started">["stage"];

export interface ExecutorView {
  readonly status: "waiting" | "running" | "done" | "failed";
  readonly attempt: number;
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
  readonly ended: EventOf<"job.succeeded"> | EventOf<"job.failed"> | undefined;
}

const recentRounds = 50;
const idle: ExecutorView = {
  status: "waiting",
  attempt: 1,
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
        ended: undefined,
      };
    case "round.started":
      return startStage(view, event, at);
    case "task.started":
      return updateTask(view, event, () => ({ ...idle, status: "running", attempt: event.attempt }));
    case "task.progress":
      return updateTask(view, event, () => progressOf(event));
    case "task.finished":
      return updateTask(view, event, (task) => finished(task, event));
    case "task.failed": {
      const failed = updateTask(view, event, (task) => ({ ...task, status: "failed", attempt: event.attempt }));
      return { ...failed, failures: view.failures + 1 };
    }
    case "round.finished":
      return finishRound(view, event);
    case "job.succeeded":
      return { ...view, recent: withValidation(view.recent, event.rounds, event.validation), ended: event };
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

/** Words of an older attempt, or of a stage that is over, change nothing. */
function updateTask(view: JobView, event: TaskEvent, update: (task: ExecutorView) => ExecutorView): JobView {
  const { stage } = view;
  if (stage !== undefined && (stage.kind !== event.stage.kind || stage.round !== event.stage.round)) return view;
  const task = view.executors[event.partition] ?? idle;
  if (event.attempt < task.attempt || task.status === "done") return view;
  const executors = [...view.executors];
  while (executors.length <= event.partition) executors.push(idle);
  executors[event.partition] = update(task);
  return { ...view, stage: stage ?? event.stage, executors };
}

function progressOf(event: EventOf<"task.progress">): ExecutorView {
  const { attempt, examples, totalExamples, examplesPerSecond, metrics } = event;
  return { status: "running", attempt, examples, totalExamples, examplesPerSecond, metrics };
}

function finished(task: ExecutorView, event: EventOf<"task.finished">): ExecutorView {
  const { attempt, examples, computeMs } = event;
  return {
    status: "done",
    attempt,
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
