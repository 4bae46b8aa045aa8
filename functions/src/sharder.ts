import { ShardTask } from "@stampede/core";
import { handleShardMessage } from "@stampede/training";
import { logger } from "./log.js";
import { tellMetrics } from "./meter.js";
import { sharderDeps } from "./sharding.js";

/** The sharder: invoked asynchronously with one step of the sharding of a data set, without a retry by the platform. */
export async function handler(event: unknown): Promise<void> {
  const task = ShardTask.parse(event);
  const { job, sharding, step, attempt } = task;
  logger.appendKeys({ job, sharding, step: step.kind, attempt });
  try {
    await handleShardMessage(task, sharderDeps());
  } finally {
    logger.resetKeys();
    tellMetrics("sharder");
  }
}
