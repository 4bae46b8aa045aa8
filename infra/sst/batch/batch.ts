import { batchPolicyOf, trustOf } from "../../policy.js";
import type { FunctionTable } from "../../resources.js";
import type { BatchSettings } from "../../settings.js";
import type { Queues } from "../queues.js";
import { arnsOf } from "../roles.js";
import { account, names, prefix, region } from "../stage.js";
import { tellOfFailedJobs } from "./failed-jobs.js";
import { createImage } from "./image.js";
import { createJobQueue, machineKinds } from "./machines.js";

export interface Batch {
  /** Names, as the driver uses them. */
  readonly queue: $util.Output<string>;
  readonly definition: $util.Output<string>;
  readonly arns: { readonly queue: $util.Output<string>; readonly definition: $util.Output<string> };
}

interface BatchOptions {
  readonly table: FunctionTable;
  readonly settings: BatchSettings;
  /** With the bundle `batch`. */
  readonly folder: string;
  readonly bucket: sst.aws.Bucket;
  readonly queues: Queues;
  readonly variables: Readonly<Record<string, $util.Input<string>>>;
}

/** Of the 16 GiB of a machine; the rest is for its system. */
const memoryMb = 14_000;
const vcpus = 4;
/** Longer than any deadline of the driver's, which each job is submitted with. */
const longestSeconds = 24 * 3600;

/** Executors in containers: with more processors and time than functions have, and GPUs where that is wanted. */
export function createBatch(options: BatchOptions): Batch {
  const { settings, queues } = options;
  const jobQueue = createJobQueue(settings);
  const definition = new aws.batch.JobDefinition("BatchDefinition", {
    name: `${prefix}-executor`,
    type: "container",
    platformCapabilities: ["EC2"],
    // The driver decides what is tried again.
    retryStrategy: { attempts: 1 },
    timeout: { attemptDurationSeconds: longestSeconds },
    propagateTags: true,
    containerProperties: containerOf(options),
  });
  tellOfFailedJobs(jobQueue, queues);
  return {
    queue: jobQueue.name,
    definition: definition.name,
    arns: { queue: jobQueue.arn, definition: definition.arnPrefix },
  };
}

function containerOf({ table, settings, folder, bucket, queues, variables }: BatchOptions): $util.Output<string> {
  const { gpus } = machineKinds[settings.machines];
  const needs = { VCPU: vcpus, MEMORY: memoryMb, ...(gpus > 0 && { GPU: gpus }) };
  const environment = { ...variables, AWS_REGION: region, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb) };
  return $jsonStringify({
    image: createImage(folder),
    jobRoleArn: createJobRole({ table, bucket, queues }).arn,
    user: "node",
    privileged: false,
    resourceRequirements: Object.entries(needs).map(([type, value]) => ({ type, value: String(value) })),
    environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
    logConfiguration: {
      logDriver: "awslogs",
      options: {
        "awslogs-group": createLogGroup().name,
        "awslogs-region": region,
        "awslogs-stream-prefix": "executor",
      },
    },
  });
}

function createLogGroup(): aws.cloudwatch.LogGroup {
  return new aws.cloudwatch.LogGroup("BatchLogs", { name: `/aws/batch/${prefix}`, retentionInDays: 30 });
}

/** What a container may do: what an executor function may. Taken on for tasks of this account only. */
function createJobRole({ table, bucket, queues }: Pick<BatchOptions, "table" | "bucket" | "queues">): aws.iam.Role {
  const policy = arnsOf({ bucket, queues }).apply((arns) => batchPolicyOf(table, arns));
  return new aws.iam.Role("BatchJobRole", {
    name: `${names.function("executor")}-batch`,
    assumeRolePolicy: account.apply((own) =>
      trustOf("ecs-tasks.amazonaws.com", { StringEquals: { "aws:SourceAccount": own } }),
    ),
    inlinePolicies: [{ name: "access", policy }],
  });
}
