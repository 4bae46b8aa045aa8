import { resolve } from "node:path";
import { JobId, StampedeError, type DatasetSpec } from "@stampede/core";
import { completeDataset } from "@stampede/training";
import { readModelFolder } from "../model-folder.js";
import { checkOutput, writeWholeFile } from "../output.js";
import type { InferenceRequest, JobSucceeded, PredictRequest } from "../types.js";
import { predictionFormat } from "../write-predictions.js";
import type { HttpCluster } from "./http-cluster.js";
import { asError } from "./remote-training.js";
import { uploadDataset } from "./upload.js";

type Remote<R extends InferenceRequest> = Omit<R, "cluster"> & { readonly cluster: HttpCluster };

/** Evaluates, where an endpoint runs it, the model that a job of the endpoint's has trained. */
export async function evaluateRemotely(request: Remote<InferenceRequest>): Promise<JobSucceeded> {
  const began = performance.now();
  const { last } = await run("evaluate", request);
  const event = { ...last, wallMs: performance.now() - began };
  request.onEvent?.(event);
  return event;
}

export async function predictRemotely(request: Remote<PredictRequest>): Promise<JobSucceeded> {
  const began = performance.now();
  const { out, overwrite = false, cluster } = request;
  const format = predictionFormat(out);
  await checkOutput(out, { overwrite, existsCode: "output.exists" });
  const { last, job } = await run("predict", request);
  const bytes = await cluster.predictions(job, format);
  await writeWholeFile(out, overwrite, async (append) => append(bytes));
  const event = { ...last, outputPath: resolve(out), wallMs: performance.now() - began };
  request.onEvent?.(event);
  return event;
}

async function run(
  kind: "evaluate" | "predict",
  request: Remote<InferenceRequest>,
): Promise<{ readonly job: JobId; readonly last: JobSucceeded }> {
  const { cluster, baseFolder, executors, signal, onEvent = () => undefined } = request;
  const { notes } = await readModelFolder(request.modelFolder);
  const of = await trainedBy(notes.job, notes.weightsSha256, request);
  const data: DatasetSpec = await uploadDataset(completeDataset(request.data, notes.data), baseFolder, cluster);
  const job = await cluster.infer(kind, of, { data, ...(executors !== undefined && { executors }) });
  const last = await cluster.follow(job, onEvent, signal);
  if (last.event !== "job.succeeded") throw asError(last, job);
  return { job, last };
}

/**
 * The job that has trained a saved model: the endpoint takes its weights from there, so they have to be these.
 * @throws StampedeError `model.invalid`, `job.not-found`
 */
async function trainedBy(
  named: string,
  weightsSha256: string,
  { cluster, modelFolder }: Remote<InferenceRequest>,
): Promise<JobId> {
  const job = JobId.safeParse(named);
  if (job.success && (await cluster.result(job.data)).weightsSha256 === weightsSha256) return job.data;
  const message =
    `Expected ${modelFolder} to hold the weights that the job ${JSON.stringify(named.slice(0, 80))} of ${cluster.endpoint.url} has trained, ` +
    "found others. Nothing was started. Evaluate or predict on this machine instead.";
  throw new StampedeError("model.invalid", message);
}
