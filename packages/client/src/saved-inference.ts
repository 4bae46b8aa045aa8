import { resolve } from "node:path";
import { DatasetSpec, parseInput, resolveMetrics } from "@stampede/core";
import type { SavedModel } from "@stampede/training/saved-model";
import { readPredictions, runInference, type FinishedInference, type InferencePlan } from "./inference.js";
import { readModelFolder } from "./model-folder.js";
import { namingModel } from "./naming-model.js";
import { teller } from "./training-run.js";
import { checkOutput } from "./output.js";
import type { InferenceRequest, JobSucceeded, PredictRequest } from "./types.js";
import { predictionFormat, writePredictions } from "./write-predictions.js";

/** Evaluates a saved model on a data set, across executors. */
export async function evaluate(request: InferenceRequest): Promise<JobSucceeded> {
  const began = performance.now();
  const saved = await readModelFolder(request.modelFolder);
  const finished = await runSaved("evaluate", request, saved);
  return succeed(request, finished, { wallMs: performance.now() - began });
}

/** Predicts every row of a data set with a saved model, across executors, into one file. */
export async function predict(request: PredictRequest): Promise<JobSucceeded> {
  const began = performance.now();
  predictionFormat(request.out);
  await checkOutput(request.out, { overwrite: request.overwrite ?? false, existsCode: "output.exists" });
  const saved = await readModelFolder(request.modelFolder);
  const finished = await runSaved("predict", request, saved);
  const labels = saved.notes.fields.filter(({ role }) => role === "label");
  await writePredictions(request.out, await readPredictions(finished), labels, request.overwrite ?? false);
  return succeed(request, finished, { outputPath: resolve(request.out), wallMs: performance.now() - began });
}

/** The model is built, and compiled, only now: whatever is wrong with it then is still about the folder. */
function runSaved(
  kind: "evaluate" | "predict",
  request: InferenceRequest,
  saved: SavedModel,
): Promise<FinishedInference> {
  return namingModel(request.modelFolder, () => runInference(kind, planOf(request, saved), request.cluster));
}

function planOf(request: InferenceRequest, { definition, weights, notes, graphs }: SavedModel): InferencePlan {
  const { baseFolder, executors, onEvent: tell, signal } = request;
  const data = datasetOf(request.data, notes.data);
  const { name, fields } = notes;
  const model = { definition, weights };
  return { name, model, graphs, data, fields, engine: undefined, executors, baseFolder, tell, signal };
}

/** The training data's description with what the user gives in its place; another format is a description of its own. */
function datasetOf(given: Record<string, unknown>, trained: DatasetSpec | undefined): DatasetSpec {
  const sameFormat = given["format"] === undefined || given["format"] === trained?.format;
  const merged = sameFormat ? mergeFields({ ...trained, ...given }, given, trained) : given;
  return parseInput(DatasetSpec, merged, { code: "job-file.invalid", what: "the data file" });
}

/** `features` and `labels` that are single selections are completed field by field, so that naming another file is enough. */
function mergeFields(
  merged: Record<string, unknown>,
  given: Record<string, unknown>,
  trained: DatasetSpec | undefined,
): Record<string, unknown> {
  const completed = { ...merged };
  for (const name of ["features", "labels"] as const) {
    const [mine, theirs] = [given[name], trained?.[name]];
    if (isSelection(mine) && isSelection(theirs)) completed[name] = { ...theirs, ...mine };
  }
  return completed;
}

function isSelection(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function succeed(
  request: InferenceRequest,
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
