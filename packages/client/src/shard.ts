import type { JobEvent, JobId, ObjectStore } from "@stampede/core";
import { shardDataset, type ShardDeps, type ShardedSet } from "@stampede/data";
import type { InferencePlan } from "./inference.js";
import type { TrainingPlan } from "./prepare.js";
import type { Tell } from "./training-run.js";

interface ShardFor {
  readonly job: JobId;
  readonly store: ObjectStore;
  readonly tell: Tell;
  readonly signal: AbortSignal | undefined;
}

type SetName = Extract<JobEvent, { event: "data.ready" }>["set"];

/** Puts the training data, and the validation data if there is any, into the store. */
export async function shardForTraining(
  plan: TrainingPlan,
  by: ShardFor,
): Promise<{ readonly train: ShardedSet; readonly validation: ShardedSet | undefined }> {
  const { train, validation, validationSplit } = plan.data;
  const partitions = plan.training.executors;
  const common = { baseFolder: plan.baseFolder, partitions };
  const deps = depsOf(by);
  const split = validationSplit === undefined ? {} : { validationSplit };
  const { seed } = plan.training;
  const sharded = await shardDataset({ ...common, dataset: train, order: "shuffled", seed, ...split }, deps);
  announce("train", sharded.train, by);
  const held = validation === undefined ? sharded.validation : await shardValidation();
  if (held !== undefined) announce("validation", held, by);
  return { train: sharded.train, validation: held };

  async function shardValidation(): Promise<ShardedSet | undefined> {
    if (validation === undefined) return undefined;
    const preprocessing = sharded.train.manifest.fields;
    const request = { ...common, dataset: validation, order: "kept", preprocessing, emptyPartitions: "allow" } as const;
    return (await shardDataset(request, deps)).train;
  }
}

/** Puts data to be evaluated or predicted into the store: in its own order, prepared as the training data was. */
export async function shardForInference(
  kind: "evaluate" | "predict",
  plan: InferencePlan,
  partitions: number,
  by: ShardFor,
): Promise<ShardedSet> {
  const request = {
    dataset: plan.data,
    baseFolder: plan.baseFolder,
    partitions,
    order: "kept",
    labels: kind === "predict" ? "ignore" : "use",
    emptyPartitions: "allow",
    ...(plan.fields && { preprocessing: plan.fields }),
  } as const;
  const { train } = await shardDataset(request, depsOf(by));
  announce(kind, train, by);
  return train;
}

function depsOf({ job, store, signal }: ShardFor): ShardDeps {
  return { job, store, ...(signal && { signal }) };
}

function announce(set: SetName, { id, manifest, reused, ms, bytes }: ShardedSet, { job, tell }: ShardFor): void {
  const partitions = manifest.parts.length;
  tell({ event: "data.ready", job, set, dataset: id, rows: manifest.rows, partitions, bytes, reused, ms });
}
