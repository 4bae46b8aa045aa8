import {
  isStampedeError,
  StampedeError,
  type JobEvent,
  type JobId,
  type JobResult,
  type JobSpec,
  type ObjectStore,
} from "@stampede/core";
import { parametersIn, readResult, readSpec, readWeights, splitTensors, submittedEvent } from "@stampede/training";
import { endedBadly, notResumable, readKernels } from "@stampede/training/jobs";
import type { Cluster } from "./types.js";

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
  // Of one that has succeeded its last word says them.
  const blocks = ended === undefined ? await readKernels(store, job) : [];
  tell(submittedEvent(spec, parametersIn(splitTensors(tensors).weights), true, blocks));
  return { spec, ended };
}
