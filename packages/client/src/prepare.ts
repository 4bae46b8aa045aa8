import { createRequire } from "node:module";
import {
  deriveKey,
  JobSpec,
  makeJobId,
  type CompileSettings,
  type EngineName,
  type ObjectStore,
  type TrainingSettings,
} from "@stampede/core";
import type { ShardedSet } from "@stampede/data";
import { systemClock, systemUnique } from "@stampede/local";
import { defineModel, prepareTfjs, readModelJson, withSeededRandom, type DefinedModel } from "@stampede/runtime";
import { checkFit, checkMemory, submitJob } from "@stampede/training";
import { planTraining } from "./plan-engine.js";
import { shardForTraining } from "./shard.js";
import { submittedEvent } from "./submitted.js";
import type { Tell } from "./training-run.js";
import type { Capacity, DatasetInput, ModelSource } from "./types.js";

export interface TrainingPlan {
  readonly name: string;
  readonly model: ModelSource;
  /** For models that come as JSON. */
  readonly compile?: CompileSettings | undefined;
  readonly data: {
    readonly train: DatasetInput;
    readonly validation?: DatasetInput | undefined;
    readonly validationSplit?: number | undefined;
  };
  readonly training: TrainingSettings;
  readonly engine?: EngineName | undefined;
  readonly baseFolder: string;
}

export interface PrepareDeps {
  readonly store: ObjectStore;
  readonly capacity: Capacity;
  readonly tell: Tell;
  readonly signal: AbortSignal | undefined;
}

/**
 * Shards the data, builds the model, checks that they fit, compiles it and stores the job.
 * @throws StampedeError an input error; then there is no job
 */
export async function prepareTraining(plan: TrainingPlan, deps: PrepareDeps): Promise<JobSpec> {
  const { store, capacity, tell, signal } = deps;
  const createdAt = systemClock.now();
  const job = makeJobId(plan.name, createdAt, systemUnique.hex(6));
  const model = await obtainModel(plan);
  const { definition, weights } = model;
  const { train, validation } = await shardForTraining(plan, { job, store, tell, signal });
  checkFit(definition, train.manifest.fields, true);
  if (validation !== undefined) checkFit(definition, validation.manifest.fields, true);
  const { gradients: _, ...training } = plan.training;
  const { batchSize } = training;
  const partitionBytes = largestPartition(train) + largestPartition(validation);
  checkMemory({ kind: "train", model: definition, weights, batchSize, partitionBytes }, capacity.memoryBytes);
  const engine = { model, wanted: plan.engine, data: train, validation, batchSize, capacity, store };
  const { facts, graphs } = await planTraining(engine);
  const spec = JobSpec.parse({
    version: 1,
    job,
    name: plan.name,
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
  signal?.throwIfAborted();
  await submitJob(spec, { weights, graphs }, { store, clock: systemClock, unique: systemUnique });
  tell(submittedEvent(spec, weights, false));
  return spec;
}

export function largestPartition(set: ShardedSet | undefined): number {
  return Math.max(0, ...(set?.manifest.parts ?? []).map(({ bytes }) => bytes));
}

/**
 * The model's definition and the weights it begins with, which follow from the job's seed where Stampede builds them. What is to
 * happen to gradients is a part of how the model trains.
 */
async function obtainModel(plan: TrainingPlan): Promise<DefinedModel> {
  const { gradients } = plan.training;
  const defined = await defineOrRead(plan);
  if (gradients === undefined) return defined;
  const { definition } = defined;
  return { ...defined, definition: { ...definition, training: { ...definition.training, gradients } } };
}

async function defineOrRead({ model, compile, training }: TrainingPlan): Promise<DefinedModel> {
  const key = deriveKey(training.seed, "initial weights");
  if (model.type === "file") return readModelJson(model.path, { seedKey: key, compile });
  // The user's module makes weights, and a tfjs without a backend cannot.
  await prepareTfjs();
  // Before that module asks for it: through a hook that reads TypeScript it would take 0.15 s longer.
  createRequire(import.meta.url)("@tensorflow/tfjs-layers");
  return defineModel(await withSeededRandom(key, async () => model.build()), { allowCustom: true });
}
