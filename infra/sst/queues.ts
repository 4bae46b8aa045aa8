import { byQueue, queueNames, queuesFor, type FunctionTable, type QueueName } from "../resources.js";
import { failedJobsRule } from "./batch/failed-jobs.js";
import { arnOf, names, pascal, settings } from "./stage.js";

export type Queues = Readonly<Record<QueueName, sst.aws.Queue>>;

/** As long as SQS keeps anything: somebody has to look at it. */
const deadLetterSeconds = 14 * 24 * 3600;

/** Every queue of the table, and its dead letters. */
export function createQueues(table: FunctionTable): Queues {
  const settingsOf = queuesFor(table);
  const deadLetters = byQueue(
    (name) =>
      new sst.aws.Queue(`${pascal(name)}DeadLetters`, {
        transform: {
          queue: {
            name: names.deadLetters(name),
            sqsManagedSseEnabled: true,
            messageRetentionSeconds: deadLetterSeconds,
          },
        },
      }),
  );
  const queues = byQueue((name) => {
    const { visibilitySeconds, maxReceives } = settingsOf[name];
    return new sst.aws.Queue(`${pascal(name)}Queue`, {
      visibilityTimeout: `${visibilitySeconds} seconds`,
      dlq: { queue: deadLetters[name].arn, retry: maxReceives },
      transform: { queue: { name: names.queue(name), sqsManagedSseEnabled: true } },
    });
  });
  for (const name of queueNames) {
    const hearsOfBatch = name === "invocations" && settings.batch !== undefined;
    protect(`${pascal(name)}QueuePolicy`, queues[name], hearsOfBatch ? [eventsMaySend(queues[name])] : []);
    protect(`${pascal(name)}DeadLettersPolicy`, deadLetters[name], []);
  }
  return queues;
}

/** A queue has one policy: TLS only, and who may send to it besides roles that say so themselves. */
function protect(policyName: string, queue: sst.aws.Queue, allowed: readonly object[]): void {
  const onlyByTls = {
    Sid: "OnlyByTls",
    Effect: "Deny",
    Principal: "*",
    Action: "sqs:*",
    Resource: queue.arn,
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
  new aws.sqs.QueuePolicy(policyName, {
    queueUrl: queue.url,
    policy: $jsonStringify({ Version: "2012-10-17", Statement: [onlyByTls, ...allowed] }),
  });
}

function eventsMaySend(queue: sst.aws.Queue): object {
  return {
    Sid: "FailedBatchJobs",
    Effect: "Allow",
    Principal: { Service: "events.amazonaws.com" },
    Action: "sqs:SendMessage",
    Resource: queue.arn,
    Condition: { ArnEquals: { "aws:SourceArn": arnOf("events", `rule/${failedJobsRule}`) } },
  };
}
