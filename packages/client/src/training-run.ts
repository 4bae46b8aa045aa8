import {
  isStampedeError,
  resolveMetrics,
  StampedeError,
  type JobEvent,
  type JobId,
  type JobResult,
  type JobSpec,
  type ObjectStore,
} from "@stampede/core";
import { parametersIn, readResult, readSpec, readWeights, splitTensors, submittedEvent } from "@stampede/training";
import { readHistory } from "./history.js";
import type { Cluster, JobSucceeded } from "./types.js";

export type Tell = (event: JobEvent) => void;

/** Adds every event to the job's log and hands it on. */
export function teller(cluster: Cluster, onEvent: Tell | undefined): Tell {
  return (event) => {
    cluster.record(event);
    onEvent?.(event);
  };
}

/**
 * Runs a stored job to its end.
 * @throws StampedeError with the job's own reason when it did not succeed; `job.interrupted` when `signal` aborts
 */
export async function runToEnd(
  cluster: Cluster,
  job: JobId,
  options: { readonly resumed: boolean; readonly tell: Tell; readonly signal: AbortSignal | undefined },
): Promise<JobResult> {
  const { resumed, tell, signal } = options;
  try {
    await cluster.run(job, { resumed, onEvent: tell, ...(signal && { signal }) });
    const result = await readResult(await cluster.open(), job);
    if (result?.status === "succeeded") return result;
    throw endedBadly(job, result);
  } catch (error) {
    // Whoever awaits this call learns of the error from it; the log must learn of it too.
    if (isStampedeError(error)) cluster.record({ event: "job.failed", job, code: error.code, message: error.message });
    throw error;
  }
}

/**
 * A job to go on with, and its result when it has succeeded already.
 * @throws StampedeError `job.not-found`; `job.not-resumable` when it failed or was cancelled, or is none that trains
 */
export async function readResumable(
  store: ObjectStore,
  job: JobId,
  tell: Tell,
): Promise<{ readonly spec: JobSpec; readonly ended: JobResult | undefined }> {
  const spec = await readSpec(store, job);
  if (spec.kind !== "train") {
    const message = `Expected a training job to go on with, found ${job}, which is to ${spec.kind}. Nothing was started.`;
    throw new StampedeError("job.not-resumable", message, { details: { job } });
  }
  const ended = await readResult(store, job);
  if (ended !== undefined && ended.status !== "succeeded") throw notResumable(job, ended);
  // Those of round 0 may be gone once the job has ended, see `collectGarbage`; the result's have the same shapes.
  const { tensors } = await readWeights(store, job, ended?.round ?? 0);
  tell(submittedEvent(spec, parametersIn(splitTensors(tensors).weights), true));
  return { spec, ended };
}

export function notResumable(job: JobId, { status }: JobResult): StampedeError {
  const message = `Expected a job to go on with, but ${job} has ended (${status}). Nothing was started.`;
  return new StampedeError("job.not-resumable", message, { details: { job } });
}

/** What `job.succeeded` says of a finished job. The computing of rounds whose records cannot be read is not counted: it has succeeded. */
export async function summaryOf(
  store: ObjectStore,
  spec: JobSpec,
  result: JobResult,
  wallMs: number,
): Promise<JobSucceeded> {
  const rounds = await readHistory(store, spec);
  const computeMs = rounds.flatMap(({ executors }) => executors).reduce((sum, executor) => sum + executor.computeMs, 0);
  return {
    event: "job.succeeded",
    job: spec.job,
    metrics: resolveMetrics(result.metrics),
    ...(result.validation && { validation: resolveMetrics(result.validation) }),
    rounds: result.round,
    executors: spec.partitions,
    wallMs,
    computeMs,
    ...(result.weightsSha256 !== undefined && { weightsSha256: result.weightsSha256 }),
  };
}

export function endedBadly(job: JobId, result: JobResult | undefined): StampedeError {
  const details = { job };
  if (result?.error !== undefined) return new StampedeError(result.error.code, result.error.message, { details });
  if (result?.status === "cancelled") {
    return new StampedeError("job.cancelled", `Job ${job} was cancelled before it ended.`, { details });
  }
  return new StampedeError("job.failed", `Expected a result of job ${job}, found none.`, { details });
}
