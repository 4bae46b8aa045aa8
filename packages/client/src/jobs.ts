import {
  jobOfKey,
  keys,
  parseJobId,
  resolveMetrics,
  roundsOf,
  type JobId,
  type JobResult,
  type JobSpec,
  type ObjectStore,
  type RoundRecord,
  type Stage,
} from "@stampede/core";
import { systemClock, systemUnique } from "@stampede/local";
import {
  cancelJob as cancelStored,
  readFailures,
  readHead,
  readResult,
  readRoundRecord,
  readSpec,
} from "@stampede/training";
import type { Cluster, JobDetails, JobSummary, RoundHistory } from "./types.js";

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
  const { spec, result, summary } = await readSummary(store, job);
  const records = await readRounds(store, spec, summary.round);
  const last = records.at(-1);
  return {
    ...summary,
    executors: spec.partitions,
    engine: spec.engine,
    engineReason: spec.engineReason,
    threads: spec.compute?.threads,
    error: result?.error && { code: result.error.code, message: result.error.message },
    metrics: resolveMetrics(result?.status === "succeeded" ? result.metrics : (last?.metrics ?? {})),
    validation: result?.validation && resolveMetrics(result.validation),
    weightsSha256: result?.weightsSha256 ?? last?.weightsSha256,
    history: historyOf(records, result),
    failures: await failuresOf(store, spec, summary.round),
  };
}

/**
 * Cancels a job, whether anybody runs it or not.
 * @throws StampedeError `job.not-found`; `job.not-resumable` when it has already ended
 */
export async function cancelJob(cluster: Cluster, job: JobId): Promise<void> {
  await cancelStored(job, { store: await cluster.open(), clock: systemClock, unique: systemUnique });
}

/** The history of a job's committed rounds. */
export async function readHistory(store: ObjectStore, spec: JobSpec): Promise<readonly RoundHistory[]> {
  const result = await readResult(store, spec.job);
  return historyOf(await readRounds(store, spec, roundsOf(spec)), result);
}

async function readSummary(
  store: ObjectStore,
  job: JobId,
): Promise<{ spec: JobSpec; result: JobResult | undefined; summary: JobSummary }> {
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
  return { spec, result, summary };
}

async function readRounds(store: ObjectStore, spec: JobSpec, upTo: number): Promise<readonly RoundRecord[]> {
  const records: RoundRecord[] = [];
  for (let round = 1; spec.kind === "train" && round <= upTo; round += 1) {
    const record = await readRoundRecord(store, spec.job, round);
    if (record === undefined) break;
    records.push(record);
  }
  return records;
}

/** A round's record holds the validation of the weights before it, so each looks one ahead; the last one's is the result's. */
function historyOf(records: readonly RoundRecord[], result: JobResult | undefined): readonly RoundHistory[] {
  return records.map((record, index) => {
    const validation =
      records[index + 1]?.validation ?? (index === records.length - 1 ? result?.validation : undefined);
    return {
      round: record.round,
      examples: record.contributions.reduce((sum, { examples }) => sum + examples, 0),
      metrics: resolveMetrics(record.metrics),
      validation: validation && resolveMetrics(validation),
      executors: record.contributions.map(({ partition, attempt, examples, computeMs, metrics }) => {
        return { partition, attempt, examples, computeMs, metrics: resolveMetrics(metrics) };
      }),
    };
  });
}

async function failuresOf(store: ObjectStore, spec: JobSpec, upTo: number): Promise<JobDetails["failures"]> {
  const trained = Array.from({ length: upTo }, (_, index): Stage => ({ kind: "train", round: index + 1 }));
  const other: Stage = { kind: spec.kind === "predict" ? "predict" : "evaluate", round: upTo };
  const stages = spec.kind === "train" ? [...trained, other] : [other];
  const failures = await Promise.all(stages.map((stage) => readFailures(store, spec.job, stage)));
  return failures.flat().map(({ stage, partition, attempt, error }) => {
    return { stage: `${stage.kind} ${stage.round}`, partition, attempt, code: error.code, message: error.message };
  });
}
