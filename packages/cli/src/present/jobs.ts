import type { JobDetails, JobSummary } from "@stampede/client";
import * as text from "./text.js";

/** `stampede jobs list` */
export function jobTable(jobs: readonly JobSummary[]): string[] {
  if (jobs.length === 0) return ["No jobs yet. Train one: stampede train JOB.yaml"];
  const rows = jobs.map((job) => [
    job.job,
    job.kind,
    job.status,
    job.rounds === 0 ? "" : `${job.round}/${job.rounds}`,
    moment(job.createdAt),
    job.endedAt === undefined ? "" : text.duration(job.endedAt - job.createdAt),
  ]);
  return text.table([["JOB", "KIND", "STATUS", "ROUND", "CREATED (UTC)", "TOOK"], ...rows]);
}

/** `stampede jobs show`: the life of a job. */
export function jobLife(job: JobDetails): string[] {
  return [
    `${job.job}: ${text.printable(job.name)}`,
    `${job.kind}, ${job.status}${job.rounds === 0 ? "" : `, round ${job.round}/${job.rounds}`}, ${text.counted(job.executors, "executor")}, ${engineOf(job)}`,
    ...(job.engineReason === undefined
      ? []
      : [`engine ${job.engine}, because compiled is not possible: ${text.printable(job.engineReason)}`]),
    `created ${moment(job.createdAt)} UTC${job.endedAt === undefined ? "" : `, ended ${moment(job.endedAt)} UTC (${text.duration(job.endedAt - job.createdAt)})`}`,
    ...(job.error === undefined ? [] : [`error ${job.error.code}: ${text.printable(job.error.message)}`]),
    ...(Object.keys(job.metrics).length === 0
      ? []
      : [`${job.kind === "train" ? "training" : "metrics"}: ${text.metrics(job.metrics)}`]),
    ...(job.validation === undefined ? [] : [`validation: ${text.metrics(job.validation)}`]),
    ...(job.weightsSha256 === undefined ? [] : [`weights sha256 ${job.weightsSha256}`]),
    ...roundTable(job),
    ...failureLines(job),
    ...whatNext(job),
  ];
}

function engineOf({ engine, threads }: JobDetails): string {
  return `engine ${engine}${threads === undefined ? "" : ` (${text.counted(threads, "thread")})`}`;
}

function roundTable(job: JobDetails): string[] {
  if (job.history.length === 0) return [];
  const rows = job.history.map((round) => [
    String(round.round),
    text.count(round.examples),
    text.metrics(round.metrics),
    round.validation === undefined ? "" : text.metrics(round.validation),
    round.executors
      .map(({ computeMs, attempt }) => text.duration(computeMs) + (attempt > 1 ? ` (attempt ${attempt})` : ""))
      .slice(0, 8)
      .join(" ") + (round.executors.length > 8 ? " ..." : ""),
  ]);
  return ["", ...text.table([["ROUND", "EXAMPLES", "TRAINING", "VALIDATION", "EXECUTORS"], ...rows])];
}

function failureLines(job: JobDetails): string[] {
  if (job.failures.length === 0) return [];
  const lines = job.failures.map(
    ({ stage, partition, attempt, code, message }) =>
      `  ${stage}, executor ${partition}, attempt ${attempt}: ${code}: ${text.printable(message)}`,
  );
  return ["", `${text.counted(job.failures.length, "failed attempt")}:`, ...lines];
}

function whatNext(job: JobDetails): string[] {
  if (job.status !== "unfinished") return [];
  if (job.kind !== "train") return ["", `Not ended. Follow it: stampede jobs watch ${job.job}`];
  return [
    "",
    `Not ended. If a process still runs it: stampede jobs watch ${job.job}`,
    `If it was interrupted: stampede train JOB.yaml --resume ${job.job}`,
  ];
}

function moment(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19).replace("T", " ");
}
