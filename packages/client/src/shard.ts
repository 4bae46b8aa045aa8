import type { JobId, ObjectStore } from "@stampede/core";
import { shardDataset, type ShardDeps, type ShardedSet } from "@stampede/data";
import { dataReady, trainingSets, type TrainingSets } from "@stampede/training/prepare";
import type { InferencePlan } from "./inference.js";
import type { TrainingPlan } from "./prepare.js";
import type { Tell } from "./training-run.js";
import type { Cluster, DatasetInput } from "./types.js";

interface ShardFor {
  readonly job: JobId;
  readonly cluster: Cluster;
  readonly store: ObjectStore;
  readonly tell: Tell;
  readonly signal: AbortSignal | undefined;
}

/** Puts the training data, and the validation data if there is any, into the store. */
export async function shardForTraining(plan: TrainingPlan, by: ShardFor): Promise<TrainingSets> {
  const { job, tell } = by;
  const deps = await depsOf(by);
  return trainingSets<DatasetInput, never>(plan.data, plan.training, {
    baseFolder: plan.baseFolder,
    request: async (request) => shardDataset(request, deps),
    onSet: (name, set) => tell(dataReady(job, name, set)),
  });
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
  const { train } = await shardDataset(request, await depsOf(by));
  by.tell(dataReady(by.job, kind, train));
  return train;
}

async function depsOf({ job, cluster, store, signal }: ShardFor): Promise<ShardDeps> {
  const files = await cluster.files?.();
  return { job, store, ...(files && { files }), ...(signal && { signal }) };
}
