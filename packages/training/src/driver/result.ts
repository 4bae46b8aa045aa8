import {
  decodeRecord,
  EvaluationRecord,
  keys,
  mergeMetrics,
  readObject,
  type ErrorFacts,
  type JobId,
  type JobResult,
  type JobSpec,
  type MetricStates,
  type ObjectStore,
  type Stage,
} from "@stampede/core";
import { missing } from "../store/records.js";
import { readRoundRecord } from "../store/round-store.js";

/** Who ends the job, and when. */
interface Stamp {
  readonly token: string;
  readonly endedAt: number;
}

const reads = 16;

/** The result of a job whose last stage is complete. */
export async function succeededResult(
  store: ObjectStore,
  spec: JobSpec,
  stage: Stage,
  stamp: Stamp,
): Promise<JobResult> {
  const evaluated =
    stage.kind === "evaluate" ? await mergedEvaluation(store, spec.job, stage, spec.partitions) : undefined;
  const ended = { version: 1, job: spec.job, ...stamp, status: "succeeded", round: stage.round } as const;
  if (spec.kind !== "train") return { ...ended, metrics: evaluated ?? {} };
  const record = await readRoundRecord(store, spec.job, stage.round);
  if (record === undefined) throw missing(keys.weights(spec.job, stage.round));
  const { metrics, weightsSha256 } = record;
  return { ...ended, metrics, ...(evaluated && { validation: evaluated }), weightsSha256 };
}

export function failedResult(job: JobId, error: ErrorFacts, stamp: Stamp): JobResult {
  return { version: 1, job, ...stamp, status: "failed", error, round: 0, metrics: {} };
}

export function cancelledResult(job: JobId, stamp: Stamp): JobResult {
  return { version: 1, job, ...stamp, status: "cancelled", round: 0, metrics: {} };
}

/** Metric states of all partitions, added in the order of partitions so that the sum has the same bits every time. */
async function mergedEvaluation(
  store: ObjectStore,
  job: JobId,
  stage: Stage,
  partitions: number,
): Promise<MetricStates> {
  const parts: MetricStates[] = [];
  for (let from = 0; from < partitions; from += reads) {
    const count = Math.min(reads, partitions - from);
    const batch = Array.from({ length: count }, (_, i) => readEvaluation(store, keys.output(job, stage, from + i)));
    parts.push(...(await Promise.all(batch)));
  }
  return mergeMetrics(parts);
}

async function readEvaluation(store: ObjectStore, key: string): Promise<MetricStates> {
  const read = await readObject(store, key, (body) => decodeRecord(EvaluationRecord, body, key));
  if (read === undefined) throw missing(key);
  return read.value.metrics;
}
