import {
  kernelsOf,
  resolveMetrics,
  StampedeError,
  type JobEvent,
  type JobId,
  type JobResult,
  type JobSpec,
  type ObjectStore,
} from "@stampede/core";
import { readHistory } from "./history.js";

type JobSucceeded = Extract<JobEvent, { event: "job.succeeded" }>;

/** What `job.succeeded` says of a finished job. The computing of rounds whose records cannot be read is not counted: it has succeeded. */
export async function summaryOf(
  store: ObjectStore,
  spec: JobSpec,
  result: JobResult,
  wallMs: number,
): Promise<JobSucceeded> {
  const rounds = await readHistory(store, spec);
  const computeMs = rounds.flatMap(({ executors }) => executors).reduce((sum, executor) => sum + executor.computeMs, 0);
  const blocks = kernelsOf(rounds.flatMap(({ executors }) => executors));
  return {
    event: "job.succeeded",
    job: spec.job,
    metrics: resolveMetrics(result.metrics),
    ...(result.validation && { validation: resolveMetrics(result.validation) }),
    rounds: result.round,
    executors: spec.partitions,
    wallMs,
    computeMs,
    ...(blocks.length > 0 && { blocks }),
    ...(result.weightsSha256 !== undefined && { weightsSha256: result.weightsSha256 }),
  };
}

/** The error that a job which did not succeed ended with. */
export function endedBadly(job: JobId, result: JobResult | undefined): StampedeError {
  const details = { job };
  if (result?.error !== undefined) return new StampedeError(result.error.code, result.error.message, { details });
  if (result?.status === "cancelled") {
    return new StampedeError("job.cancelled", `Job ${job} was cancelled before it ended.`, { details });
  }
  return new StampedeError("job.failed", `Expected a result of job ${job}, found none.`, { details });
}

export function notResumable(job: JobId, { status }: JobResult): StampedeError {
  const message = `Expected a job to go on with, but ${job} has ended (${status}). Nothing was started.`;
  return new StampedeError("job.not-resumable", message, { details: { job } });
}
