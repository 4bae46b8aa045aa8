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
import { policyOf, trustOf, type Arns } from "../policy.js";
import {
  byFunction,
  byQueue,
  functionNames,
  queuesFor,
  type FunctionName,
  type FunctionTable,
  type QueueName,
  type QueueResource,
} from "../resources.js";
import { functionVariables, userVariables } from "../variables.js";
import { account, bucket, emulatedArns, names, region } from "./arns.js";
import { openFunctionUrl } from "./function-url.js";
import type { PackagedFunction } from "./package-function.js";

/** Emulators send an answer when it is whole: whoever follows a job hears of it that late, and comes back as often. */
const emulatedStreamSeconds = 2;

/** Emulators take any; one that checks permissions gives a key of this name all of them. */
export const credentials = { accessKeyId: "test", secretAccessKey: "test" } as const;
const credentialVariables = {
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
} as const;

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
  /** Instead of those that follow from the table. */
  readonly policies?: Readonly<Record<FunctionName, string>>;
  /** Buckets of the users' data. @default the functions may read all of them, and jobs that come over HTTP none */
  readonly dataBuckets?: readonly string[];
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
  /** Where the function that answers requests from outside does. */
  readonly url: string;
  /** What a function finds in its environment. */
  readonly functionVariables: Readonly<Record<string, string>>;
  /** What a Batch container does. No emulator gives it the credentials of a role. */
  readonly containerVariables: Readonly<Record<string, string>>;
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
  const { endpoint, batch, table, dataBuckets } = options;
  const { functionEndpoint = endpoint, userEndpoint = functionEndpoint } = options;
  const clients = connect(endpoint);
  await clients.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const queues = await createQueues(clients.sqs, options.queues ?? queuesFor(table));
  const created = {
    bucket,
    queueUrls: byQueue((name) => queues[name].url),
    functionNames: byFunction(names.function),
    batch,
  };
  const common = { AWS_REGION: region, ...(options.byRole !== true && credentialVariables) };
  const variables = {
    ...common,
    AWS_ENDPOINT_URL: functionEndpoint,
    ...(batch && { AWS_ENDPOINT_URL_BATCH: batch.endpoint }),
    ...functionVariables(created, { table, ...(dataBuckets && { dataBuckets }) }),
    STAMPEDE_STREAM_SECONDS: String(emulatedStreamSeconds),
    ...options.variables,
  };
  const arns = emulatedArns({ ...(batch && { batch }), ...(dataBuckets && { dataBuckets }) });
  const policies = options.policies ?? byFunction((name) => policyOf(name, table, arns));
  await Promise.all(
    options.packages.map(async (each) => createFunction(clients, each, { ...options, policies, variables }, arns)),
  );
  const url = await openTo(clients.lambda, table, userEndpoint);
  return {
    bucket,
    queueUrls: created.queueUrls,
    deadLetterUrls: byQueue((name) => queues[name].deadLetterUrl),
    functionNames: created.functionNames,
    url,
    functionVariables: variables,
    containerVariables: { ...variables, ...credentialVariables },
    userVariables: {
      AWS_ENDPOINT_URL: userEndpoint,
      AWS_REGION: region,
      ...credentialVariables,
      ...userVariables(created, table),
      STAMPEDE_URL: url,
    },
  };
}

/** @returns the address of the function that answers requests */
async function openTo(lambda: LambdaClient, table: FunctionTable, userEndpoint: string): Promise<string> {
  const answering = functionNames.find((name) => table[name].answersRequests === true);
  if (answering === undefined) throw new Error("Expected a function that answers requests, found none in the table.");
  return openFunctionUrl(lambda, names.function(answering), userEndpoint);
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
    const dead = await createQueue(sqs, names.deadLetters(name), {});
    const { visibilitySeconds, maxReceives } = settings[name];
    const queue = await createQueue(sqs, names.queue(name), {
      VisibilityTimeout: String(visibilitySeconds),
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: maxReceives }),
    });
    return { ...queue, deadLetterUrl: dead.url };
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
  readonly policies: Readonly<Record<FunctionName, string>>;
  readonly variables: Readonly<Record<string, string>>;
}

async function createFunction(
  { lambda, iam }: Clients,
  { name, zip }: PackagedFunction,
  { table, runtime = { type: "process", node: process.execPath }, policies, variables }: FunctionOptions,
  arns: Arns,
): Promise<void> {
  const { memoryMb, timeoutSeconds, sources, failuresTo, temporaryMb = 512 } = table[name];
  const role = `${names.function(name)}-role`;
  await iam.send(new CreateRoleCommand({ RoleName: role, AssumeRolePolicyDocument: trustOf("lambda.amazonaws.com") }));
  await iam.send(new PutRolePolicyCommand({ RoleName: role, PolicyName: "access", PolicyDocument: policies[name] }));
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: names.function(name),
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
    { FunctionName: names.function(name) },
  );
  if (failuresTo !== undefined) {
    await lambda.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName: names.function(name),
        // The driver decides what is tried again.
        MaximumRetryAttempts: 0,
        DestinationConfig: { OnFailure: { Destination: arns.queues[failuresTo] } },
      }),
    );
  }
  for (const { queue, batchSize, maxConcurrency } of sources) {
    await lambda.send(
      new CreateEventSourceMappingCommand({
        FunctionName: names.function(name),
        EventSourceArn: arns.queues[queue],
        BatchSize: batchSize,
        ScalingConfig: { MaximumConcurrency: maxConcurrency },
        FunctionResponseTypes: ["ReportBatchItemFailures"],
      }),
    );
  }
}
