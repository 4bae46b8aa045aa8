import { resolve } from "node:path";
import { resolveMetrics } from "@stampede/core";
import { completeDataset } from "@stampede/training";
import { readPredictions } from "@stampede/training/jobs";
import type { SavedModel } from "@stampede/training/saved-model";
import { HttpCluster } from "./http/http-cluster.js";
import { evaluateRemotely, predictRemotely } from "./http/remote-inference.js";
import { runInference, type FinishedInference, type InferencePlan } from "./inference.js";
import { readModelFolder } from "./model-folder.js";
import { namingModel } from "./naming-model.js";
import { teller } from "./training-run.js";
import { checkOutput } from "./output.js";
import type { Cluster, InferenceRequest, JobSucceeded, PredictRequest } from "./types.js";
import { predictionFormat, writePredictions } from "./write-predictions.js";

/** Evaluates a saved model on a data set, across executors. */
export async function evaluate(request: InferenceRequest): Promise<JobSucceeded> {
  const { cluster } = request;
  if (cluster instanceof HttpCluster) return evaluateRemotely({ ...request, cluster });
  return evaluateHere({ ...request, cluster });
}

type Here<R extends InferenceRequest> = R & { readonly cluster: Cluster };

async function evaluateHere(request: Here<InferenceRequest>): Promise<JobSucceeded> {
  const began = performance.now();
  const saved = await readModelFolder(request.modelFolder);
  const finished = await runSaved("evaluate", request, saved);
  return succeed(request, finished, { wallMs: performance.now() - began });
}

/** Predicts every row of a data set with a saved model, across executors, into one file. */
export async function predict(request: PredictRequest): Promise<JobSucceeded> {
  const { cluster } = request;
  if (cluster instanceof HttpCluster) return predictRemotely({ ...request, cluster });
  return predictHere({ ...request, cluster });
}

async function predictHere(request: Here<PredictRequest>): Promise<JobSucceeded> {
  const began = performance.now();
  predictionFormat(request.out);
  await checkOutput(request.out, { overwrite: request.overwrite ?? false, existsCode: "output.exists" });
  const saved = await readModelFolder(request.modelFolder);
  const finished = await runSaved("predict", request, saved);
  const labels = saved.notes.fields.filter(({ role }) => role === "label");
  await writePredictions(
    request.out,
    await readPredictions(finished.store, finished.spec),
    labels,
    request.overwrite ?? false,
  );
  return succeed(request, finished, { outputPath: resolve(request.out), wallMs: performance.now() - began });
}

/** The model is built, and compiled, only now: whatever is wrong with it then is still about the folder. */
function runSaved(
  kind: "evaluate" | "predict",
  request: Here<InferenceRequest>,
  saved: SavedModel,
): Promise<FinishedInference> {
  return namingModel(request.modelFolder, () => runInference(kind, planOf(request, saved), request.cluster));
}

function planOf(request: Here<InferenceRequest>, { definition, weights, notes, graphs }: SavedModel): InferencePlan {
  const { baseFolder, executors, onEvent: tell, signal } = request;
  const data = completeDataset(request.data, notes.data);
  const { name, fields } = notes;
  const model = { definition, weights };
  return { name, model, graphs, data, fields, engine: undefined, executors, baseFolder, tell, signal };
}

function succeed(
  request: Here<InferenceRequest>,
  { spec, result }: FinishedInference,
  rest: { readonly wallMs: number; readonly outputPath?: string },
): JobSucceeded {
  const event: JobSucceeded = {
    event: "job.succeeded",
    job: spec.job,
    metrics: resolveMetrics(result.metrics),
    rounds: 0,
    executors: spec.partitions,
    computeMs: 0,
    ...rest,
  };
  teller(request.cluster, request.onEvent)(event);
  return event;
}
