import { failedInvocationOf, failedOrderOf, failedShardTaskOf } from "@stampede/aws";
import {
  decodeMessage,
  DeltaMessage,
  DriverMessage,
  encodeMessage,
  type JobId,
  type QueueMessage,
} from "@stampede/core";
import {
  handleDriverMessage,
  handleLostShardTask,
  requestDataset,
  type DriverDeps,
  type Preparation,
} from "@stampede/training";
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { handleBatch, jobIn } from "./batch-of-messages.js";
import { commonDeps, executors } from "./deps.js";
import { tellMetrics } from "./meter.js";
import { sharderDeps } from "./sharding.js";

let deps: DriverDeps | undefined;

/**
 * The driver: woken by the queue `driver` (submitted, round done, timer, cancel) and by the queue `invocations` (executors that ended
 * without a word).
 */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  const { queues } = commonDeps();
  const isAboutInvocations = event.Records.some(({ eventSourceARN }) => eventSourceARN.includes("invocations"));
  try {
    return await handleBatch(event, context, {
      queue: isAboutInvocations ? undefined : queues.driver,
      // Drivers of one job would only get into each other's way.
      lane: (message) => (isAboutInvocations ? undefined : jobIn(message)) ?? message.id,
      handle: isAboutInvocations ? hearOfInvocation : drive,
    });
  } finally {
    tellMetrics("driver");
  }
}

async function drive({ body, receiveCount }: QueueMessage): Promise<void> {
  const message = decodeMessage(DriverMessage, body, "driver");
  await handleDriverMessage(message, driverDeps(), { redelivered: receiveCount > 1 });
}

/** A function or Batch job has ended without a word of its own. */
async function hearOfInvocation({ body, receiveCount }: QueueMessage): Promise<void> {
  const shard = failedShardTaskOf(body);
  if (shard !== undefined) return handleLostShardTask(shard.task, shard.error, sharderDeps());
  const order = failedOrderOf(body);
  if (order !== undefined) return commonDeps().queues.deltas.send(encodeMessage(DeltaMessage, order));
  const message = failedInvocationOf(body);
  // Of a function whose work somebody else looks after.
  if (message === undefined) return;
  await handleDriverMessage(message, driverDeps(), { redelivered: receiveCount > 1 });
}

function driverDeps(): DriverDeps {
  deps ??= { ...commonDeps(), executors: executors(), prepare };
  return deps;
}

/** What compiles models is loaded when a job is to be prepared here, and not before. */
async function prepare(job: JobId): Promise<Preparation> {
  const { prepareJob } = await import("@stampede/training/prepare");
  return prepareJob(job, { ...commonDeps(), requestDataset: (id, wish) => requestDataset(id, wish, sharderDeps()) });
}
