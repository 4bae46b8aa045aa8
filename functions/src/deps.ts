import {
  BatchExecutors,
  batchClient,
  executorsByPlatform,
  LambdaExecutors,
  lambdaClient,
  s3Client,
  S3ObjectStore,
  sqsClient,
  SqsQueue,
} from "@stampede/aws";
import type { Executors } from "@stampede/core";
import type { CommonDeps } from "@stampede/training";
import { environment } from "./environment.js";
import { eventLog } from "./log.js";
import { requests } from "./meter.js";
import { clock, unique } from "./system.js";

/** The queues that functions write to, and whose messages they hide or bring back. */
export interface FunctionDeps extends CommonDeps {
  readonly queues: { readonly driver: SqsQueue; readonly deltas: SqsQueue };
}

let common: FunctionDeps | undefined;

/** What every function works with: made once in an environment, because what is remembered of a store hangs on the store. */
export function commonDeps(): FunctionDeps {
  common ??= connect();
  return common;
}

function connect(): FunctionDeps {
  const { STAMPEDE_BUCKET, STAMPEDE_DRIVER_QUEUE_URL, STAMPEDE_DELTAS_QUEUE_URL } = environment();
  const settings = { meter: requests };
  const sqs = sqsClient(settings);
  return {
    store: new S3ObjectStore({ client: s3Client(settings), bucket: STAMPEDE_BUCKET }),
    queues: {
      driver: new SqsQueue({ client: sqs, queueUrl: STAMPEDE_DRIVER_QUEUE_URL }),
      deltas: new SqsQueue({ client: sqs, queueUrl: STAMPEDE_DELTAS_QUEUE_URL }),
    },
    clock,
    unique,
    events: eventLog,
  };
}

/** Executor functions, and Batch jobs where there is a Batch. */
export function executors(): Executors {
  const { STAMPEDE_EXECUTOR_FUNCTION, STAMPEDE_BATCH_QUEUE, STAMPEDE_BATCH_DEFINITION } = environment();
  const settings = { meter: requests };
  const lambda = new LambdaExecutors({ client: lambdaClient(settings), functionName: STAMPEDE_EXECUTOR_FUNCTION });
  if (STAMPEDE_BATCH_QUEUE === undefined || STAMPEDE_BATCH_DEFINITION === undefined) return lambda;
  const batch = new BatchExecutors({
    client: batchClient(settings),
    jobQueue: STAMPEDE_BATCH_QUEUE,
    jobDefinition: STAMPEDE_BATCH_DEFINITION,
    clock,
  });
  return executorsByPlatform({ function: lambda, batch });
}
