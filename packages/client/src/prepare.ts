import { createRequire } from "node:module";
import {
  makeJobId,
  type CompileSettings,
  type EngineName,
  type JobSpec,
  type ObjectStore,
  type TrainingSettings,
} from "@stampede/core";
import { systemClock, systemUnique } from "@stampede/local/folder";
import { defineModel, prepareTfjs, readModelJson, withSeededRandom, type DefinedModel } from "@stampede/runtime";
import { parametersIn, submitJob, submittedEvent } from "@stampede/training";
import { initialWeightsKey, planJob, withGradients } from "@stampede/training/prepare";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { shardForTraining } from "./shard.js";
import type { Tell } from "./training-run.js";
import type { Cluster, DatasetInput, ModelSource } from "./types.js";

type BuiltModel = Extract<ModelSource, { readonly type: "built" }>;

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
  readonly cluster: Cluster;
  readonly store: ObjectStore;
  readonly tell: Tell;
  readonly signal: AbortSignal | undefined;
}

/**
 * Shards the data, builds the model, checks that they fit, compiles it and stores the job.
 * @throws StampedeError an input error; then there is no job
 */
export async function prepareTraining(plan: TrainingPlan, deps: PrepareDeps): Promise<JobSpec> {
  const { cluster, store, tell, signal } = deps;
  const { capacity } = cluster;
  const { name, training, engine } = plan;
  const createdAt = systemClock.now();
  const job = makeJobId(name, createdAt, systemUnique.hex(6));
  const model = withGradients(await defineOrRead(plan), training);
  const sets = await shardForTraining(plan, { job, cluster, store, tell, signal });
  const { spec, parts } = await planJob({ job, name, createdAt, training, engine, capacity }, model, sets, store);
  signal?.throwIfAborted();
  await submitJob(spec, parts, { store, clock: systemClock, unique: systemUnique });
  tell(submittedEvent(spec, parametersIn(parts.weights), false));
  return spec;
}

/** The model and the weights it begins with, which follow from the job's seed where Stampede builds them. */
async function defineOrRead({ model, compile, training }: TrainingPlan): Promise<DefinedModel> {
  const key = initialWeightsKey(training);
  if (model.type === "file") return readModelJson(model.path, { seedKey: key, compile });
  return defineModel(await buildSeeded(model, key), { allowCustom: true });
}

/**
 * Runs the user's program that builds a model. Its initial weights follow from `key`.
 * @param key `initialWeightsKey` of the job's settings
 */
export async function buildSeeded(model: BuiltModel, key: number): Promise<LayersModel> {
  // The user's module makes weights, and a tfjs without a backend cannot.
  await prepareTfjs();
  // Before that module asks for it: it draws random numbers when it is loaded, and through a hook that reads TypeScript it would take 0.15 s
  // longer.
  createRequire(import.meta.url)("@tensorflow/tfjs-layers");
  return withSeededRandom(key, async () => model.build());
}
