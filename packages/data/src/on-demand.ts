import type { ShardStep } from "@stampede/core";
import type { FileAccess } from "./files/data-file.js";
import type { ShardFact } from "./fan-out/run-step.js";
import type { Sharding, ShardingWish, ShardStepDeps } from "./fan-out/sharding.js";
import type { ShardDeps, ShardOutcome, ShardRequest } from "./sharding/request.js";

/*
 * What reads data files is loaded when the first of them is read: most processes and threads that use this package only find data sets
 * and read their partitions.
 */

/** Does one step of a data set that functions make: see `fan-out/run-step.ts`. */
export async function runShardStep(sharding: Sharding, step: ShardStep, deps: ShardStepDeps): Promise<ShardFact> {
  const steps = await import("./fan-out/run-step.js");
  return steps.runShardStep(sharding, step, deps);
}

/** Writes down which data set functions are to make: see `fan-out/sharding.ts`. */
export async function describeSharding(wish: ShardingWish, access: FileAccess): Promise<Sharding> {
  const sharding = await import("./fan-out/sharding.js");
  return sharding.describeSharding(wish, access);
}

/** Brings a data set into the store: see `sharding/shard-dataset.ts`. */
export async function shardDataset(request: ShardRequest, deps: ShardDeps): Promise<ShardOutcome> {
  const sharding = await import("./sharding/shard-dataset.js");
  return sharding.shardDataset(request, deps);
}
