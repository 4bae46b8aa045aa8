import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateQueueCommand, DeleteQueueCommand, GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { SqsQueue } from "@stampede/aws";
import type { QueueHarness } from "@stampede/testing";
import { vi } from "vitest";

export function stubAwsVariables(): void {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  vi.stubEnv("AWS_REGION", "us-east-1");
}

export interface CreatedQueue {
  readonly url: string;
  readonly arn: string;
}

/** Creates a queue of a name of its own. */
export async function createQueue(
  client: SQSClient,
  attributes: Readonly<Record<string, string>> = {},
): Promise<CreatedQueue> {
  const command = new CreateQueueCommand({ QueueName: `queue-${randomUUID()}`, Attributes: attributes });
  const { QueueUrl: url = "" } = await client.send(command);
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }),
  );
  return { url, arn: Attributes?.QueueArn ?? "" };
}

/** A queue with dead letters; its time is real. */
export async function queueHarness(client: SQSClient): Promise<QueueHarness> {
  const maxReceives = 3;
  const dead = await createQueue(client);
  const { url } = await createQueue(client, {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: maxReceives }),
  });
  const deadLetters = new SqsQueue({ client, queueUrl: dead.url });
  return {
    queue: new SqsQueue({ client, queueUrl: url }),
    maxReceives,
    advance: (ms) => sleep(ms),
    deadLetters: async () => {
      const messages = await deadLetters.receive({ max: 10, waitMs: 0, visibilityMs: 0 });
      return messages.map(({ body }) => body);
    },
    close: async () => {
      for (const each of [url, dead.url]) await client.send(new DeleteQueueCommand({ QueueUrl: each }));
    },
  };
}

/** Feeds the bodies of a queue's messages to `hear` until it is closed. */
export function hearFrom(queue: SqsQueue, hear: (body: string) => void): { readonly close: () => Promise<void> } {
  let closed = false;
  const poll = async (): Promise<void> => {
    while (!closed) {
      for (const { body, receipt } of await queue.receive({ max: 10, waitMs: 1_000, visibilityMs: 60_000 })) {
        hear(body);
        await queue.delete(receipt);
      }
    }
  };
  const ended = poll();
  return {
    close: () => {
      closed = true;
      return ended;
    },
  };
}
