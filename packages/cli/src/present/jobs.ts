import type { JobDetails, JobSummary } from "@stampede/client";
import { kernelsOf } from "@stampede/core";
import { clusterWords, type ClusterName } from "../cluster.js";
import { wordsOnKernels, type Kernels } from "./kernels.js";
import { limitsLine } from "./limits.js";
import { engineLine } from "./plain.js";
import { lastRoundLines, roundTable } from "./rounds.js";
import * as text from "./text.js";
import { deadTaskLines, failureLines, retryLines, underWayLines, unreadableLines } from "./trouble.js";

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
export function jobLife(job: JobDetails, cluster: ClusterName = "local"): string[] {
  return [
    ...factLines(job),
    ...roundTable(job),
    ...unreadableLines(job),
    ...lastRoundLines(job),
    ...underWayLines(job, cluster),
    ...retryLines(job),
    ...failureLines(job),
    ...deadTaskLines(job),
    ...whatNext(job, cluster),
  ];
}

function factLines(job: JobDetails): string[] {
  return [
    `${job.job}: ${text.printable(job.name)}`,
    `${job.kind}, ${job.status}${job.rounds === 0 ? "" : `, round ${job.round}/${job.rounds}`}, ${text.counted(job.executors, "executor")}, ${engineOf(job)}`,
    ...(job.engineReason === undefined ? [] : [engineLine(job.engine, text.printable(job.engineReason))]),
    `created ${moment(job.createdAt)} UTC${job.endedAt === undefined ? "" : `, ended ${moment(job.endedAt)} UTC (${text.duration(job.endedAt - job.createdAt)})`}`,
    limitsLine(job.limits),
    ...(job.error === undefined ? [] : [`error ${job.error.code}: ${text.printable(job.error.message)}`]),
    ...(Object.keys(job.metrics).length === 0
      ? []
      : [`${job.kind === "train" ? "training" : "metrics"}: ${text.metrics(job.metrics)}`]),
    ...(job.validation === undefined ? [] : [`validation: ${text.metrics(job.validation)}`]),
    ...wordsOnKernels(kernelsIn(job)),
    ...(job.weightsSha256 === undefined ? [] : [`weights sha256 ${job.weightsSha256}`]),
  ];
}

function kernelsIn({ history }: JobDetails): Kernels {
  const executors = history.flatMap((round) => round.executors);
  const reason = executors.find(({ kernelReason }) => kernelReason !== undefined)?.kernelReason;
  return { kinds: new Set(kernelsOf(executors)), reason };
}

function engineOf({ engine, threads }: JobDetails): string {
  return `engine ${engine}${threads === undefined ? "" : ` (${text.counted(threads, "thread")})`}`;
}

function whatNext(job: JobDetails, cluster: ClusterName): string[] {
  if (job.status !== "unfinished") return [];
  if (cluster !== "local") {
    const follow = `Not ended. Follow it: stampede jobs watch ${job.job}${clusterWords(cluster)}`;
    const wait = `To wait for it and save its model: stampede train JOB.yaml${clusterWords(cluster)} --resume ${job.job}`;
    return ["", follow, ...(job.kind === "train" ? [wait] : [])];
  }
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
