import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import {
  CreateEventSourceMappingCommand,
  CreateFunctionCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionEventInvokeConfigCommand,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { queuesFor, type FunctionName, type FunctionTable, type QueueName, type QueueResource } from "../resources.js";
import type { PackagedFunction } from "./package-function.js";
import { policyOf, type Arns } from "./policy.js";

/** Emulators take any; one that checks permissions gives a key of this name all of them. */
export const credentials = { accessKeyId: "test", secretAccessKey: "test" } as const;
const credentialVariables = {
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
} as const;
const region = "us-east-1";
const account = "000000000000";
const prefix = "stampede-local";

export interface DeployOptions {
  readonly endpoint: string;
  /** Of the runner of Batch jobs, which no emulator has. */
  readonly batch?: { readonly endpoint: string; readonly queue: string; readonly definition: string };
  readonly table: FunctionTable;
  /** @default those that go with the table */
  readonly queues?: Readonly<Record<QueueName, QueueResource>>;
  readonly packages: readonly PackagedFunction[];
  /**
   * What runs functions: containers with Lambda's own runtime, or processes of a Node.js of this machine behind the Runtime API.
   * @default processes of this Node.js
   */
  readonly runtime?: { readonly type: "container" } | { readonly type: "process"; readonly node: string };
  /** Functions have the credentials of their roles, which only an emulator that checks permissions gives them. @default false */
  readonly byRole?: boolean;
  /** Added to every function's variables. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Where functions reach AWS, when that is not where the deployment is made. @default `endpoint` */
  readonly functionEndpoint?: string;
  /** Where users do. @default `functionEndpoint` */
  readonly userEndpoint?: string;
}

export interface Deployment {
  readonly bucket: string;
  readonly queueUrls: Readonly<Record<QueueName, string>>;
  readonly deadLetterUrls: Readonly<Record<QueueName, string>>;
  readonly functionNames: Readonly<Record<FunctionName, string>>;
  /** What a function, or a Batch container, finds in its environment. */
  readonly functionVariables: Readonly<Record<string, string>>;
  /** What a user sets to submit jobs to it. */
  readonly userVariables: Readonly<Record<string, string>>;
}

interface Clients {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly lambda: LambdaClient;
  readonly iam: IAMClient;
}

/** Creates everything that the table of resources names, on an endpoint that has none of it yet. */
export async function deploy(options: DeployOptions): Promise<Deployment> {
  const { endpoint, batch, table, functionEndpoint = endpoint, userEndpoint = functionEndpoint } = options;
  const clients = connect(endpoint);
  const bucket = `${prefix}-jobs`;
  await clients.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const created = await createQueues(clients.sqs, options.queues ?? queuesFor(table));
  const queueUrls = byQueue((name) => created[name].url);
  const common = { AWS_ENDPOINT_URL: functionEndpoint, AWS_REGION: region, STAMPEDE_BUCKET: bucket };
  const functionVariables = {
    ...common,
    ...(options.byRole !== true && credentialVariables),
    ORT_DISABLE_TELEMETRY: "1",
    STAMPEDE_DRIVER_QUEUE_URL: queueUrls.driver,
    STAMPEDE_DELTAS_QUEUE_URL: queueUrls.deltas,
    STAMPEDE_EXECUTOR_FUNCTION: functionName("executor"),
    STAMPEDE_SHARDER_FUNCTION: functionName("sharder"),
    STAMPEDE_PARAMETER_SERVER_FUNCTION: functionName("parameter-server"),
    ...(batch && {
      AWS_ENDPOINT_URL_BATCH: batch.endpoint,
      STAMPEDE_BATCH_QUEUE: batch.queue,
      STAMPEDE_BATCH_DEFINITION: batch.definition,
    }),
    ...options.variables,
  };
  const arns: Arns = {
    bucket: `arn:aws:s3:::${bucket}`,
    queues: byQueue((name) => created[name].arn),
    userData: ["arn:aws:s3:::*"],
    functions: byFunction((name) => `arn:aws:lambda:${region}:${account}:function:${functionName(name)}`),
  };
  await Promise.all(
    options.packages.map(async (each) =>
      createFunction(clients, each, { ...options, variables: functionVariables }, arns),
    ),
  );
  return {
    bucket,
    queueUrls,
    deadLetterUrls: byQueue((name) => created[name].deadLetterUrl),
    functionNames: byFunction(functionName),
    functionVariables,
    userVariables: {
      AWS_ENDPOINT_URL: userEndpoint,
      AWS_REGION: region,
      ...credentialVariables,
      STAMPEDE_CLUSTER: "aws",
      STAMPEDE_BUCKET: bucket,
      STAMPEDE_DRIVER_QUEUE_URL: queueUrls.driver,
      STAMPEDE_EXECUTOR_MEMORY_MB: String(table.executor.memoryMb),
    },
  };
}

function connect(endpoint: string): Clients {
  const config = { endpoint, region, credentials };
  return {
    s3: new S3Client({ ...config, forcePathStyle: true }),
    sqs: queueClient(endpoint),
    lambda: new LambdaClient(config),
    iam: new IAMClient(config),
  };
}

export function queueClient(endpoint: string): SQSClient {
  return new SQSClient({ endpoint, region, credentials, useQueueUrlAsEndpoint: false });
}

/** Invokes a function without input, and waits for its end. */
export async function invoke(endpoint: string, name: string): Promise<void> {
  const client = new LambdaClient({ endpoint, region, credentials });
  await client.send(new InvokeCommand({ FunctionName: name, Payload: Buffer.from("{}") }));
  client.destroy();
}

interface CreatedQueue {
  readonly url: string;
  readonly arn: string;
  readonly deadLetterUrl: string;
}

async function createQueues(
  sqs: SQSClient,
  settings: Readonly<Record<QueueName, QueueResource>>,
): Promise<Readonly<Record<QueueName, CreatedQueue>>> {
  const create = async (name: QueueName): Promise<CreatedQueue> => {
    const dead = await createQueue(sqs, `${prefix}-${name}-dead`, {});
    const { visibilitySeconds, maxReceives } = settings[name];
    const { url, arn } = await createQueue(sqs, `${prefix}-${name}`, {
      VisibilityTimeout: String(visibilitySeconds),
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: maxReceives }),
    });
    return { url, arn, deadLetterUrl: dead.url };
  };
  const [driver, deltas, invocations] = await Promise.all([create("driver"), create("deltas"), create("invocations")]);
  return { driver, deltas, invocations };
}

async function createQueue(
  sqs: SQSClient,
  name: string,
  attributes: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; readonly arn: string }> {
  const { QueueUrl: url = "" } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }));
  return { url, arn: Attributes?.QueueArn ?? "" };
}

interface FunctionOptions extends Pick<DeployOptions, "table" | "runtime"> {
  readonly variables: Readonly<Record<string, string>>;
}

async function createFunction(
  { lambda, iam }: Clients,
  { name, zip }: PackagedFunction,
  { table, runtime = { type: "process", node: process.execPath }, variables }: FunctionOptions,
  arns: Arns,
): Promise<void> {
  const { memoryMb, timeoutSeconds, sources, failuresTo, temporaryMb = 512 } = table[name];
  const role = `${functionName(name)}-role`;
  const policy = policyOf(table[name], arns);
  await iam.send(new CreateRoleCommand({ RoleName: role, AssumeRolePolicyDocument: trustOfLambda }));
  await iam.send(new PutRolePolicyCommand({ RoleName: role, PolicyName: "access", PolicyDocument: policy }));
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: functionName(name),
      Role: `arn:aws:iam::${account}:role/${role}`,
      // MiniStack's is a true Runtime API then; its runtimes with a name are not quite what they are on AWS.
      Runtime: runtime.type === "container" ? "nodejs22.x" : "provided.al2023",
      Handler: "index.handler",
      Code: { ZipFile: zip },
      MemorySize: memoryMb,
      Timeout: timeoutSeconds,
      EphemeralStorage: { Size: temporaryMb },
      Environment: { Variables: { ...variables, ...(runtime.type === "process" && { NODE_BIN: runtime.node }) } },
    }),
  );
  await waitUntilFunctionActiveV2(
    { client: lambda, maxWaitTime: 60, minDelay: 0.2 },
    { FunctionName: functionName(name) },
  );
  if (failuresTo !== undefined) {
    await lambda.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName: functionName(name),
        // The driver decides what is tried again.
        MaximumRetryAttempts: 0,
        DestinationConfig: { OnFailure: { Destination: arns.queues[failuresTo] } },
      }),
    );
  }
  for (const { queue, batchSize, maxConcurrency } of sources) {
    await lambda.send(
      new CreateEventSourceMappingCommand({
        FunctionName: functionName(name),
        EventSourceArn: arns.queues[queue],
        BatchSize: batchSize,
        ScalingConfig: { MaximumConcurrency: maxConcurrency },
        FunctionResponseTypes: ["ReportBatchItemFailures"],
      }),
    );
  }
}

const trustOfLambda = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
});

function functionName(name: FunctionName): string {
  return `${prefix}-${name}`;
}

function byQueue<T>(make: (name: QueueName) => T): Readonly<Record<QueueName, T>> {
  return { driver: make("driver"), deltas: make("deltas"), invocations: make("invocations") };
}

function byFunction<T>(make: (name: FunctionName) => T): Readonly<Record<FunctionName, T>> {
  return {
    driver: make("driver"),
    "parameter-server": make("parameter-server"),
    executor: make("executor"),
    sharder: make("sharder"),
    sweeper: make("sweeper"),
  };
}
