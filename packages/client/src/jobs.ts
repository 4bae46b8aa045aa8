import {
  jobOfKey,
  keys,
  parseJobId,
  resolveMetrics,
  roundsOf,
  type JobHead,
  type JobId,
  type JobResult,
  type JobSpec,
  type ObjectStore,
} from "@stampede/core";
import { systemClock, systemUnique } from "@stampede/local";
import { cancelJob as cancelStored, readHead, readResult, readSpec } from "@stampede/training";
import { historyOf, readRounds } from "./history.js";
import { readTrouble } from "./life.js";
import { limitsOf } from "./limits.js";
import type { Cluster, JobDetails, JobSummary, SignOfLife } from "./types.js";
import { readUnderWay } from "./under-way.js";

/** Every job in the store, the newest first. */
export async function listJobs(cluster: Cluster): Promise<readonly JobSummary[]> {
  const store = await cluster.open();
  const jobs: JobSummary[] = [];
  for await (const { key } of store.list(keys.jobs)) {
    if (!key.endsWith("/spec.json")) continue;
    jobs.push((await readSummary(store, parseJobId(jobOfKey(key) ?? ""))).summary);
  }
  return jobs.toSorted((a, b) => b.createdAt - a.createdAt);
}

/** @throws StampedeError `job.not-found` */
export async function showJob(cluster: Cluster, job: JobId): Promise<JobDetails> {
  const store = await cluster.open();
  const { spec, result, head, summary } = await readSummary(store, job);
  const [{ records, unreadable }, trouble, underWay] = await Promise.all([
    readRounds(store, spec, summary.round, result),
    readTrouble(store, spec),
    result === undefined ? readUnderWay(store, spec, head, systemClock.now()) : undefined,
  ]);
  const last = records.at(-1);
  return {
    ...summary,
    executors: spec.partitions,
    engine: spec.engine,
    engineReason: spec.engineReason,
    threads: spec.compute?.threads,
    limits: limitsOf(spec.training),
    error: result?.error && { code: result.error.code, message: result.error.message },
    metrics: resolveMetrics(result?.status === "succeeded" ? result.metrics : (last?.metrics ?? {})),
    validation: result?.validation && resolveMetrics(result.validation),
    weightsSha256: result?.weightsSha256 ?? last?.weightsSha256,
    history: historyOf(spec, records, result),
    unreadable,
    ...trouble,
    underWay,
  };
}

/** Whether a job has ended, and if not, when it was last heard of and how long it may be silent. */
export interface JobPulse {
  readonly status: JobSummary["status"];
  readonly kind: JobSummary["kind"];
  readonly lastSign: SignOfLife | undefined;
  readonly heartbeatTimeoutMs: number;
}

/**
 * Less than `showJob` reads, for whoever asks again and again.
 * @throws StampedeError `job.not-found`
 */
export async function feelPulse(cluster: Cluster, job: JobId): Promise<JobPulse> {
  const store = await cluster.open();
  const { spec, result, head, summary } = await readSummary(store, job);
  const { kind, training } = spec;
  const underWay = result === undefined ? await readUnderWay(store, spec, head, systemClock.now()) : undefined;
  const heartbeatTimeoutMs = training.heartbeatTimeoutSeconds * 1000;
  return { status: summary.status, kind, lastSign: underWay?.lastSign, heartbeatTimeoutMs };
}

/**
 * Cancels a job, whether anybody runs it or not.
 * @throws StampedeError `job.not-found`; `job.not-resumable` when it has already ended
 */
export async function cancelJob(cluster: Cluster, job: JobId): Promise<void> {
  await cancelStored(job, { store: await cluster.open(), clock: systemClock, unique: systemUnique });
}

interface ReadJob {
  readonly spec: JobSpec;
  readonly result: JobResult | undefined;
  readonly head: JobHead | undefined;
  readonly summary: JobSummary;
}

async function readSummary(store: ObjectStore, job: JobId): Promise<ReadJob> {
  const spec = await readSpec(store, job);
  const [result, read] = await Promise.all([readResult(store, job), readHead(store, job)]);
  const summary = {
    job,
    name: spec.name,
    kind: spec.kind,
    status: result?.status ?? ("unfinished" as const),
    round: read?.head.stage.round ?? 0,
    rounds: spec.kind === "train" ? roundsOf(spec) : 0,
    createdAt: spec.createdAt,
    endedAt: result?.endedAt,
  };
  return { spec, result, head: read?.head, summary };
}
