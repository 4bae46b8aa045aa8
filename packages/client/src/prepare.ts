import {
  deriveKey,
  JobSpec,
  makeJobId,
  type CompileSettings,
  type EngineName,
  type ModelDefinition,
  type NamedTensors,
  type ObjectStore,
  type TrainingSettings,
} from "@stampede/core";
import { chooseEngine, defineModel, prepareTfjs, readModelJson, withSeededRandom } from "@stampede/runtime";
import { checkFit, submitJob } from "@stampede/training";
import { submittedEvent } from "./submitted.js";
import { shardForTraining } from "./shard.js";
import { systemClock, systemUnique } from "@stampede/local";
import type { Tell } from "./training-run.js";
import type { DatasetInput, ModelSource } from "./types.js";

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
  readonly tell: Tell;
  readonly signal: AbortSignal | undefined;
}

/**
 * Shards the data, builds the model, checks that they fit and stores the job.
 * @throws StampedeError an input error; then there is no job
 */
export async function prepareTraining(plan: TrainingPlan, deps: PrepareDeps): Promise<JobSpec> {
  const { store, tell, signal } = deps;
  const createdAt = systemClock.now();
  const job = makeJobId(plan.name, createdAt, systemUnique.hex(6));
  const { definition, weights } = await obtainModel(plan);
  // Tries the engine out on a thread of its own, while this one reads the data.
  const choosing = chooseEngine(definition, plan.engine);
  choosing.catch(() => undefined);
  const { train, validation } = await shardForTraining(plan, { job, store, tell, signal });
  checkFit(definition, train.manifest.fields, true);
  if (validation !== undefined) checkFit(definition, validation.manifest.fields, true);
  const spec = JobSpec.parse({
    version: 1,
    job,
    name: plan.name,
    kind: "train",
    createdAt,
    engine: await choosing,
    model: definition,
    dataset: train.id,
    partitions: plan.training.executors,
    partitionRows: train.manifest.parts.map(({ rows }) => rows),
    ...(validation && { validation: validation.id }),
    training: plan.training,
  });
  signal?.throwIfAborted();
  await submitJob(spec, weights, { store, clock: systemClock, unique: systemUnique });
  tell(submittedEvent(spec, weights, false));
  return spec;
}

/** The model's definition and the weights it begins with, which follow from the job's seed where Stampede builds them. */
async function obtainModel(plan: TrainingPlan): Promise<{ definition: ModelDefinition; weights: NamedTensors }> {
  const key = deriveKey(plan.training.seed, "initial weights");
  const { model, compile } = plan;
  if (model.type === "file") return readModelJson(model.path, { seedKey: key, compile });
  // The user's module makes weights, and a tfjs without a backend cannot.
  await prepareTfjs();
  return defineModel(await withSeededRandom(key, async () => model.build()));
}
