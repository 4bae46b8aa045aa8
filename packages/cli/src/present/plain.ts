import type { JobEvent } from "@stampede/core";
import { kernelsAfter, newsOfKernels, noKernels } from "./kernels.js";
import { limitsLine } from "./limits.js";
import * as text from "./text.js";

/** A job of many rounds tells of about this many. */
const toldRounds = 100;

/** What a log says about an event; nothing for events that are told by others, or too often to be told. */
export function plainLines(event: JobEvent): readonly string[] {
  switch (event.event) {
    case "data.ready":
      return [dataLine(event)];
    case "job.submitted":
      return [submittedLine(event), ...submittedWords(event)];
    case "round.started":
      return event.stage.kind === "evaluate" ? ["evaluating"] : [];
    case "round.finished":
      return isTold(event.round, event.rounds) ? [roundLine(event)] : [];
    case "task.failed":
      return [failureLine(event)];
    case "task.retried":
      return [retryLine(event)];
    case "task.started":
    case "task.progress":
    case "task.finished":
    case "job.succeeded":
    case "job.failed":
      return [];
    default:
      return event satisfies never;
  }
}

/** A job's whole log: events that have no words of their own are there as they are. */
export function logLines(events: readonly JobEvent[]): readonly string[] {
  let kernels = noKernels;
  return events.flatMap((event) => {
    const before = kernels;
    kernels = kernelsAfter(before, event);
    const lines = plainLines(event);
    return [...(lines.length > 0 ? lines : [JSON.stringify(event)]), ...newsOfKernels(before, kernels)];
  });
}

/** @param reason why a job has not the engine, or the kernels, that are the fastest */
export function engineLine(engine: string, reason: string): string {
  return engine === "compiled"
    ? `engine compiled without blocked kernels, because they are wrong on the machine that planned the job: ${reason}`
    : `engine ${engine}, because compiled is not possible: ${reason}`;
}

function submittedLine(event: Extract<JobEvent, { event: "job.submitted" }>): string {
  return [
    `job ${event.job}${event.resumed ? " (resumed)" : ""}: ${text.printable(event.name)}`,
    `${text.counted(event.parameters, "parameter")}, engine ${event.engine}, ${text.counted(event.executors, "executor")}`,
  ].join(", ");
}

/** What a person should know of a job from the beginning: its limits, and why it runs slower than it could, if it does. */
export function submittedWords(event: Extract<JobEvent, { event: "job.submitted" }>): readonly string[] {
  const { engine, engineReason, limits } = event;
  return [
    ...(limits === undefined ? [] : [limitsLine(limits)]),
    ...(engineReason === undefined ? [] : [engineLine(engine, text.firstLine(engineReason))]),
  ];
}

export function failureLine(event: Extract<JobEvent, { event: "task.failed" }>): string {
  return `executor ${event.partition}, attempt ${event.attempt} failed: ${event.code}: ${text.firstLine(event.message)}`;
}

const retryReasons = {
  failed: "failed",
  "timed-out": "did not end in time",
  silent: "was not heard of any more",
  slow: "was much slower than the others",
  "machine-gone": "went down with the process that ran it",
  continued: "had no time left, and left a checkpoint to go on from",
} as const;

/** What became of the attempt before, after "attempt 1". */
export function retryReason(why: Extract<JobEvent, { event: "task.retried" }>["why"]): string {
  return retryReasons[why];
}

export function retryLine({ partition, attempt, why }: Extract<JobEvent, { event: "task.retried" }>): string {
  const reason = `attempt ${attempt - 1} ${retryReason(why)}`;
  return why === "slow"
    ? `executor ${partition}, attempt ${attempt} started as a backup: ${reason}; the first to end counts`
    : `executor ${partition}, attempt ${attempt} started: ${reason}`;
}

/** Of many tasks at once. */
export const lostLine = "tasks that went down with the process that ran them are started again";

function dataLine(event: Extract<JobEvent, { event: "data.ready" }>): string {
  const { set, rows, partitions, reused, ms } = event;
  const made = reused ? "written by an earlier job" : `${text.bytes(event.bytes)} written in ${text.duration(ms)}`;
  return `${set} data: ${text.counted(rows, "row")} in ${text.counted(partitions, "partition")}, ${made}`;
}

function roundLine(event: Extract<JobEvent, { event: "round.finished" }>): string {
  const { round, rounds, metrics, validation, wallMs } = event;
  const before =
    validation === undefined || round < 2 ? "" : `; validation after round ${round - 1}: ${text.metrics(validation)}`;
  return `round ${round}/${rounds}: ${text.metrics(metrics)} (${text.duration(wallMs)})${before}`;
}

function isTold(round: number, rounds: number): boolean {
  return round === rounds || round % Math.ceil(Math.max(1, rounds) / toldRounds) === 0;
}
