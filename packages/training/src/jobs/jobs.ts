import {
  jobOfKey,
  keys,
  parseJobId,
  resolveMetrics,
  roundsOf,
  type JobDetails,
  type JobHead,
  type JobId,
  type JobResult,
  type JobSpec,
  type JobSummary,
  type ObjectStore,
  type SignOfLife,
} from "@stampede/core";
import { limitsOf } from "../limits.js";
import { readHead, readResult, readSpec } from "../store/job-store.js";
import { exists } from "../store/records.js";
import { historyOf, readRounds } from "./history.js";
import { readTrouble } from "./life.js";
import { findRequested, lastSignOf, requestedDetails, type RequestedJob } from "./requested-jobs.js";
import { readUnderWay } from "./under-way.js";

/** Each is three small reads, which a store far away answers slowly. */
const jobsAtOnce = 16;

/** Every job in the store, the newest first. */
export async function listJobs(store: ObjectStore): Promise<readonly JobSummary[]> {
  const found = new Map<JobId, "requested" | "stored">();
  for await (const { key } of store.list(keys.jobs)) {
    const isStored = key.endsWith("/spec.json");
    if (isStored || key.endsWith("/request.json")) {
      found.set(parseJobId(jobOfKey(key) ?? ""), isStored ? "stored" : "requested");
    }
  }
  const jobs: JobSummary[] = [];
  for (let from = 0; from < found.size; from += jobsAtOnce) {
    const batch = [...found].slice(from, from + jobsAtOnce);
    for (const read of await Promise.all(batch.map(([job, as]) => readListed(store, job, as)))) jobs.push(...read);
  }
  return jobs.toSorted((a, b) => b.createdAt - a.createdAt);
}

/** None for a request that was removed meanwhile. */
async function readListed(store: ObjectStore, job: JobId, as: "requested" | "stored"): Promise<readonly JobSummary[]> {
  const read = as === "stored" ? await readSummary(store, job) : await findRequested(store, job);
  return read === undefined ? [] : [read.summary];
}

/**
 * The life of a job from its facts.
 * @param now milliseconds since the epoch, here and below
 * @throws StampedeError `job.not-found`
 */
export async function showJob(store: ObjectStore, job: JobId, now: number): Promise<JobDetails> {
  const requested = await unlessStored(store, job);
  if (requested !== undefined) return requestedDetails(store, requested, now);
  const { spec, result, head, summary } = await readSummary(store, job);
  const [{ records, unreadable }, trouble, underWay] = await Promise.all([
    readRounds(store, spec, summary.round, result),
    readTrouble(store, spec),
    result === undefined ? readUnderWay(store, spec, head, now) : undefined,
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
  /** False while the cloud is still to make it of its request. */
  readonly isPrepared: boolean;
  readonly lastSign: SignOfLife | undefined;
  readonly heartbeatTimeoutMs: number;
}

/**
 * Less than `showJob` reads, for whoever asks again and again.
 * @throws StampedeError `job.not-found`
 */
export async function feelPulse(store: ObjectStore, job: JobId, now: number): Promise<JobPulse> {
  const requested = await unlessStored(store, job);
  if (requested !== undefined) {
    const { status, kind } = requested.summary;
    const lastSign = await lastSignOf(store, requested, now);
    // Its data may be on its way for hours, without a sign of life of the job.
    return { status, kind, isPrepared: false, lastSign, heartbeatTimeoutMs: Infinity };
  }
  const { spec, result, head, summary } = await readSummary(store, job);
  const { kind, training } = spec;
  const underWay = result === undefined ? await readUnderWay(store, spec, head, now) : undefined;
  const heartbeatTimeoutMs = training.heartbeatTimeoutSeconds * 1000;
  return { status: summary.status, kind, isPrepared: true, lastSign: underWay?.lastSign, heartbeatTimeoutMs };
}

/** A job that was requested; undefined for one that is stored. */
async function unlessStored(store: ObjectStore, job: JobId): Promise<RequestedJob | undefined> {
  return (await exists(store, keys.spec(job))) ? undefined : findRequested(store, job);
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
