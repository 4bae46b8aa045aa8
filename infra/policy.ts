import type { FunctionName, FunctionResource, FunctionTable, QueueName } from "./resources.js";

/** What there is to allow, by name. */
export interface Arns {
  readonly bucket: string;
  readonly queues: Readonly<Record<QueueName, string>>;
  readonly functions: Readonly<Record<FunctionName, string>>;
  readonly logGroups: Readonly<Record<FunctionName, string>>;
  /** Buckets of the users' data: those that a deployment names. */
  readonly userData: readonly string[];
  /** The definition's without its revision. Absent where there is no Batch. */
  readonly batch?: { readonly queue: string; readonly definition: string } | undefined;
}

interface Statement {
  /** What it is for, unique in its policy. */
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

const objectActions = {
  read: ["s3:GetObject"],
  write: ["s3:PutObject", "s3:AbortMultipartUpload"],
  delete: ["s3:DeleteObject"],
} as const;

const consumerActions = [
  "sqs:ReceiveMessage",
  "sqs:DeleteMessage",
  "sqs:ChangeMessageVisibility",
  "sqs:GetQueueAttributes",
] as const;

/** The policy of a function's role: what the table of resources says, and nothing else. Every deployment takes it from here. */
export function policyOf(name: FunctionName, table: FunctionTable, arns: Arns): string {
  const mayLog = allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], [`${arns.logGroups[name]}:*`]);
  return document([...accessTo(table[name], arns), mayLog]);
}

/** Of a Batch container: an executor, whose log and end others tell of. */
export function batchPolicyOf({ executor }: FunctionTable, arns: Arns): string {
  const { failuresTo: _, ...inContainer } = executor;
  return document(accessTo(inContainer, arns));
}

function accessTo({ access, sources, failuresTo, readsUserData = false }: FunctionResource, arns: Arns): Statement[] {
  const onObjects = access.objects.flatMap((may) => (may === "list" ? [] : objectActions[may]));
  // What Lambda itself says of a failed invocation, it says in the name of the function's role.
  const sends = failuresTo === undefined ? access.sends : [...access.sends, failuresTo];
  const data = readsUserData ? arns.userData : [];
  const { batch } = arns;
  return [
    allow("Objects", onObjects, [`${arns.bucket}/*`]),
    allow("ListObjects", access.objects.includes("list") ? ["s3:ListBucket"] : [], [arns.bucket]),
    allow(
      "UserData",
      ["s3:GetObject"],
      data.map((arn) => `${arn}/*`),
    ),
    allow("ListUserData", ["s3:ListBucket"], data),
    allow(
      "Send",
      ["sqs:SendMessage"],
      sends.map((queue) => arns.queues[queue]),
    ),
    allow(
      "Consume",
      consumerActions,
      sources.map(({ queue }) => arns.queues[queue]),
    ),
    allow(
      "Invoke",
      ["lambda:InvokeFunction"],
      access.invokes.map((other) => arns.functions[other]),
    ),
    allow(
      "SubmitBatchJobs",
      ["batch:SubmitJob"],
      // A definition is named without its revision, and is asked about with it.
      access.submitsBatchJobs && batch !== undefined ? [batch.queue, batch.definition, `${batch.definition}:*`] : [],
    ),
  ];
}

function allow(sid: string, actions: readonly string[], resources: readonly string[]): Statement {
  return { Sid: sid, Effect: "Allow", Action: actions, Resource: resources };
}

function document(statements: readonly Statement[]): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.filter(({ Action, Resource }) => Action.length > 0 && Resource.length > 0),
  });
}

/** Of a role that only this service of AWS takes on. */
export function trustOf(
  service: string,
  conditions?: Readonly<Record<string, Readonly<Record<string, string>>>>,
): string {
  const statement = {
    Effect: "Allow",
    Principal: { Service: service },
    Action: "sts:AssumeRole",
    ...(conditions && { Condition: conditions }),
  };
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
}
