import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type Message,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { StampedeError, type Queue, type QueueMessage } from "@stampede/core";
import { isStaleReceipt, queueError } from "./queue-error.js";

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const maxBatch = 10;
const maxBodyBytes = 1_048_576;
const maxDelayMs = 900_000;
const maxVisibilityMs = 43_200_000;
const maxWaitMs = 20_000;

export interface SqsQueueOptions {
  /** Of {@link sqsClient}, which asks its own endpoint whatever host the queue's URL names. */
  readonly client: SQSClient;
  readonly queueUrl: string;
}

/**
 * A standard queue of SQS. Its grain is the second: delays and visibilities are rounded up, so that nothing comes early, and waits
 * are rounded down. What becomes of a message after its last delivery is a setting of the queue.
 */
export class SqsQueue implements Queue {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor({ client, queueUrl }: SqsQueueOptions) {
    this.#client = client;
    this.#queueUrl = queueUrl;
  }

  async send(body: string, { delayMs = 0 }: { readonly delayMs?: number } = {}): Promise<void> {
    const DelaySeconds = secondsOf("delayMs", delayMs, maxDelayMs);
    check("the message's bytes", Buffer.byteLength(body), 1, maxBodyBytes);
    await this.#call("sqs:SendMessage", () =>
      this.#client.send(new SendMessageCommand({ QueueUrl: this.#queueUrl, MessageBody: body, DelaySeconds })),
    );
  }

  async receive(options: {
    readonly max: number;
    readonly waitMs: number;
    readonly visibilityMs: number;
  }): Promise<readonly QueueMessage[]> {
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#queueUrl,
      MaxNumberOfMessages: check("max", options.max, 1, maxBatch),
      WaitTimeSeconds: Math.floor(check("waitMs", options.waitMs, 0, maxWaitMs) / 1000),
      VisibilityTimeout: secondsOf("visibilityMs", options.visibilityMs, maxVisibilityMs),
      MessageSystemAttributeNames: ["ApproximateReceiveCount"],
    });
    const { Messages = [] } = await this.#call("sqs:ReceiveMessage", () => this.#client.send(command));
    return Messages.map(messageOf);
  }

  async delete(receipt: string): Promise<void> {
    const command = new DeleteMessageCommand({ QueueUrl: this.#queueUrl, ReceiptHandle: receipt });
    await this.#call("sqs:DeleteMessage", () => unlessStale(this.#client.send(command)));
  }

  async extend(receipt: string, visibilityMs: number): Promise<void> {
    const command = new ChangeMessageVisibilityCommand({
      QueueUrl: this.#queueUrl,
      ReceiptHandle: receipt,
      VisibilityTimeout: secondsOf("visibilityMs", visibilityMs, maxVisibilityMs),
    });
    await this.#call("sqs:ChangeMessageVisibility", () => unlessStale(this.#client.send(command)));
  }

  async #call<T>(permission: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw queueError(error, permission, this.#queueUrl);
    }
  }
}

/** A message that is gone, or was delivered again since, is nobody's business any more. */
async function unlessStale(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!isStaleReceipt(error)) throw error;
  }
}

function messageOf({ MessageId = "", Body = "", ReceiptHandle = "", Attributes }: Message): QueueMessage {
  const receiveCount = Number(Attributes?.ApproximateReceiveCount ?? 1);
  return { id: MessageId, body: Body, receiveCount, receipt: ReceiptHandle };
}

function secondsOf(name: string, ms: number, maxMs: number): number {
  return Math.ceil(check(name, ms, 0, maxMs) / 1000);
}

function check(name: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  const message = `Expected ${name} to be ${min} ... ${max}, found ${value}. Nothing was sent or received.`;
  throw new StampedeError("option.invalid", message, { details: { option: name, value } });
}
