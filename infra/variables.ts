import type { FunctionName, FunctionTable, QueueName } from "./resources.js";

/** What was created; `T` is a text, or one that is known only when it is. */
interface Created<T> {
  readonly bucket: T;
  readonly queueUrls: Readonly<Record<QueueName, T>>;
  readonly functionNames: Readonly<Record<FunctionName, string>>;
  readonly batch?: { readonly queue: T; readonly definition: T } | undefined;
}

type Variables<T> = Readonly<Record<string, T | string>>;

interface Told {
  readonly table: FunctionTable;
  /** Buckets of the users' data that jobs may read. */
  readonly dataBuckets?: readonly string[];
}

/**
 * What every function, and the Batch container, reads of its environment (`functions/src/environment.ts`, `functions/src/api.ts`). No secret
 * is among it.
 */
export function functionVariables<T>(
  { bucket, queueUrls, functionNames, batch }: Created<T>,
  { table, dataBuckets = [] }: Told,
): Variables<T> {
  return {
    ORT_DISABLE_TELEMETRY: "1",
    STAMPEDE_BUCKET: bucket,
    STAMPEDE_DRIVER_QUEUE_URL: queueUrls.driver,
    STAMPEDE_DELTAS_QUEUE_URL: queueUrls.deltas,
    STAMPEDE_EXECUTOR_FUNCTION: functionNames.executor,
    STAMPEDE_SHARDER_FUNCTION: functionNames.sharder,
    STAMPEDE_PARAMETER_SERVER_FUNCTION: functionNames["parameter-server"],
    STAMPEDE_EXECUTOR_MEMORY_MB: String(table.executor.memoryMb),
    ...(dataBuckets.length > 0 && { STAMPEDE_DATA_BUCKETS: dataBuckets.join(",") }),
    ...(batch && { STAMPEDE_BATCH_QUEUE: batch.queue, STAMPEDE_BATCH_DEFINITION: batch.definition }),
  };
}

/** What a user sets to submit jobs to the deployment with credentials of AWS. */
export function userVariables<T>({ bucket, queueUrls }: Created<T>, table: FunctionTable): Variables<T> {
  return {
    STAMPEDE_CLUSTER: "aws",
    STAMPEDE_BUCKET: bucket,
    STAMPEDE_DRIVER_QUEUE_URL: queueUrls.driver,
    STAMPEDE_EXECUTOR_MEMORY_MB: String(table.executor.memoryMb),
  };
}
