import type { FunctionName, FunctionResource, QueueName } from "../resources.js";

export interface Arns {
  readonly bucket: string;
  readonly queues: Readonly<Record<QueueName, string>>;
  readonly functions: Readonly<Record<FunctionName, string>>;
  /** Buckets of the users' data: of all, or of those that a deployment names. */
  readonly userData: readonly string[];
}

interface Statement {
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

/**
 * The policy of a function's role: what the table of resources says, and nothing else.
 */
export function policyOf({ access, sources, failuresTo, readsUserData = false }: FunctionResource, arns: Arns): string {
  const consumes = sources.map(({ queue }) => queue);
  const onObjects = access.objects.flatMap((may) => (may === "list" ? [] : objectActions[may]));
  // Lambda tells of failed invocations in the function's own name.
  const sends = [...access.sends, ...(failuresTo === undefined ? [] : [failuresTo])].map((queue) => arns.queues[queue]);
  const consumed = consumes.map((queue) => arns.queues[queue]);
  const invokes = access.invokes.map((name) => arns.functions[name]);
  const statements: readonly Statement[] = [
    allow(onObjects, [`${arns.bucket}/*`]),
    allow(access.objects.includes("list") ? ["s3:ListBucket"] : [], [arns.bucket]),
    allow(readsUserData ? ["s3:GetObject", "s3:ListBucket"] : [], arns.userData),
    allow(["sqs:SendMessage"], sends),
    allow(consumerActions, consumed),
    allow(["lambda:InvokeFunction"], invokes),
    allow(access.submitsBatchJobs ? ["batch:SubmitJob"] : [], [
      "arn:aws:batch:*:*:job-queue/*",
      "arn:aws:batch:*:*:job-definition/*",
    ]),
    allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], ["arn:aws:logs:*:*:*"]),
  ];
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.filter(({ Action, Resource }) => Action.length > 0 && Resource.length > 0),
  });
}

function allow(actions: readonly string[], resources: readonly string[]): Statement {
  return { Effect: "Allow", Action: actions, Resource: resources };
}
