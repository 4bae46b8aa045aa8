import {
  deriveKey,
  JobSpec,
  type EngineName,
  type ExecutorCapacity,
  type JobId,
  type ObjectStore,
  type TrainingSettings,
} from "@stampede/core";
import type { DefinedModel } from "@stampede/runtime";
import { checkFit } from "../check-fit.js";
import { checkMemory } from "../check-memory.js";
import type { JobParts } from "../driver/submit.js";
import { withSlicing } from "../with-slicing.js";
import { planTraining } from "./plan-engine.js";
import { largestPartition, type TrainingSets } from "./training-sets.js";

/** What is known of a training job beside its model and its data. */
export interface TrainingOrder {
  readonly job: JobId;
  readonly name: string;
  readonly createdAt: number;
  readonly training: TrainingSettings;
  readonly engine: EngineName | undefined;
  readonly capacity: ExecutorCapacity;
}

/** A job as it is to be stored. */
export interface PreparedJob {
  readonly spec: JobSpec;
  readonly parts: JobParts;
}

/** What the initial weights of a job follow from where they are drawn, wherever that is. */
export function initialWeightsKey({ seed }: TrainingSettings): number {
  return deriveKey(seed, "initial weights");
}

/** A model with what is to happen to gradients, which is a part of how it trains. */
export function withGradients(model: DefinedModel, { gradients }: TrainingSettings): DefinedModel {
  if (gradients === undefined) return model;
  const { definition } = model;
  return { ...model, definition: { ...definition, training: { ...definition.training, gradients } } };
}

/**
 * Checks that model, data and executors fit each other, compiles the model and writes the job's spec. Nothing is stored but compiled
 * graphs for jobs like this one. The same order, model and data give the same spec.
 *
 * @param model with what happens to gradients
 * @throws StampedeError `model.data-mismatch`, `model.too-large`, and as `planEngine` of the runtime
 */
export async function planJob(
  order: TrainingOrder,
  model: DefinedModel,
  { train, validation }: TrainingSets,
  store: ObjectStore,
): Promise<PreparedJob> {
  const { job, name, createdAt, capacity } = order;
  const { definition, weights } = model;
  checkFit(definition, train.manifest.fields, true);
  if (validation !== undefined) checkFit(definition, validation.manifest.fields, true);
  const { gradients: _, ...training } = order.training;
  const { batchSize, portable } = training;
  const partitionBytes = largestPartition(train) + largestPartition(validation);
  checkMemory({ kind: "train", model: definition, weights, batchSize, partitionBytes }, capacity.memoryBytes);
  const engine = { model, wanted: order.engine, data: train, validation, batchSize, portable, capacity, store };
  const { facts, graphs } = await planTraining(engine);
  const spec = JobSpec.parse({
    version: 1,
    job,
    name,
    kind: "train",
    createdAt,
    ...facts,
    model: definition,
    dataset: train.id,
    partitions: training.executors,
    partitionRows: train.manifest.parts.map(({ rows }) => rows),
    ...(validation && { validation: validation.id }),
    training,
  });
  return { spec: withSlicing(spec, weights), parts: { weights, graphs } };
}
