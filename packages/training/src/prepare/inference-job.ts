import {
  JobSpec,
  StampedeError,
  TrainingSettings,
  type DatasetSpec,
  type EngineName,
  type ExecutorCapacity,
  type Field,
  type InferenceRequest,
  type JobId,
  type ObjectStore,
} from "@stampede/core";
import type { ShardedSet } from "@stampede/data";
import { chooseCompute, type DefinedModel } from "@stampede/runtime";
import { checkFit } from "../check-fit.js";
import { checkMemory } from "../check-memory.js";
import type { Graphs } from "../driver/submit.js";
import { inferenceBatchSize } from "../executor/evaluate-task.js";
import { readTrainedModel } from "../saved-model/saved-model.js";
import { readResult, readSpec } from "../store/job-store.js";
import { engineOf, planInference, sameFields, type JobEngine } from "./plan-engine.js";
import type { PreparedJob } from "./training-job.js";
import { largestPartition, type DatasetWish } from "./training-sets.js";

/** What is known of a job that evaluates or predicts, beside its model and its data. */
export interface InferenceOrder {
  readonly job: JobId;
  readonly name: string;
  readonly kind: "evaluate" | "predict";
  readonly createdAt: number;
  readonly engine: EngineName | undefined;
  readonly capacity: ExecutorCapacity;
}

/** A trained model, and what was saved with it. */
export interface InferenceModel {
  readonly model: DefinedModel;
  /** Those that were saved with the model, for the fields below. */
  readonly graphs?: Graphs | undefined;
  /** How the training data was prepared; without it the data speaks for itself. */
  readonly fields: readonly Field[] | undefined;
}

/**
 * The model of the job that a request names.
 * @throws StampedeError `job.not-found`; `job.not-finished` for one that has not succeeded, or has no model; `store.*`
 */
export async function readTrainedFor({ of }: InferenceRequest, store: ObjectStore): Promise<InferenceModel> {
  const [spec, result] = await Promise.all([readSpec(store, of), readResult(store, of)]);
  if (spec.kind !== "train" || result?.status !== "succeeded") {
    const message = `Expected a training job that has succeeded, found ${of}, which has not. Nothing was started.`;
    throw new StampedeError("job.not-finished", message, { details: { job: of } });
  }
  const { definition, weights, notes, graphs } = await readTrainedModel(store, spec, result, undefined);
  return { model: { definition, weights }, graphs, fields: notes.fields };
}

/** Data in its own order, prepared as the training data was. */
export function inferenceWish(
  { kind, data }: Pick<InferenceRequest, "kind" | "data">,
  { fields }: Pick<InferenceModel, "fields">,
  partitions: number,
): DatasetWish<DatasetSpec> {
  return {
    dataset: data,
    // Files lie in the cloud, where there are no relative paths.
    baseFolder: "/",
    partitions,
    order: "kept",
    labels: kind === "predict" ? "ignore" : "use",
    emptyPartitions: "allow",
    ...(fields && { preprocessing: fields }),
  };
}

/**
 * Checks that model, data and executors fit each other, and writes the job's spec. Nothing is stored but compiled graphs.
 * @throws StampedeError `model.data-mismatch`, `model.too-large`, and as `planInference`
 */
export async function planInferenceJob(
  order: InferenceOrder,
  trained: InferenceModel,
  data: ShardedSet,
  store: ObjectStore,
): Promise<PreparedJob> {
  const { job, name, kind, createdAt, engine, capacity } = order;
  const { model } = trained;
  const { definition, weights } = model;
  const { fields, parts } = data.manifest;
  checkFit(definition, fields, kind === "evaluate");
  const need = { kind, model: definition, weights, batchSize: inferenceBatchSize } as const;
  checkMemory({ ...need, partitionBytes: largestPartition(data) }, capacity.memoryBytes);
  const { facts, graphs } =
    planSaved(order, trained, data) ?? (await planInference(kind, { model, wanted: engine, data, capacity, store }));
  const spec = JobSpec.parse({
    version: 1,
    job,
    name,
    kind,
    createdAt,
    ...facts,
    model: definition,
    dataset: data.id,
    partitions: parts.length,
    partitionRows: parts.map(({ rows }) => rows),
    training: TrainingSettings.parse({ executors: parts.length }),
  });
  return { spec, parts: { weights, graphs } };
}

/**
 * The engine of a job with a model that was saved with graphs; undefined for any other.
 * @throws StampedeError `model.data-mismatch` when the data was prepared in another way than the graph expects
 */
function planSaved(
  { kind, engine, capacity }: InferenceOrder,
  { graphs, fields = [] }: InferenceModel,
  { manifest }: ShardedSet,
): JobEngine | undefined {
  const graph = graphs?.get(kind);
  if (graph === undefined || (engine !== undefined && engine !== "compiled")) return undefined;
  const used = (all: readonly Field[]): readonly Field[] =>
    all.filter(({ role }) => kind === "evaluate" || role === "feature");
  if (!sameFields(used(manifest.fields), used(fields))) throw otherFields(kind);
  const { cores, executors } = capacity;
  const compute = chooseCompute({ cores, executors: Math.min(executors, manifest.parts.length), flopsPerBatch: 0 });
  return engineOf({ engine: "compiled", compute, graphs: new Map([[kind, graph]]) });
}

function otherFields(kind: string): StampedeError {
  const message =
    `Expected data of the types and shapes that the model was trained on, because its graph to ${kind} was compiled for those; ` +
    `found others. Nothing was started. Use the ${kind} method of a ServerlessModel that wraps the model instead.`;
  return new StampedeError("model.data-mismatch", message);
}
