import { randomBytes } from "node:crypto";
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type Message,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { Asker } from "./asker.js";
import { Refused, Shortcoming, tried, type EndpointCheck } from "./check.js";

/** The limit of SQS since August 2025. */
const maxBytes = 1_048_576;
const queueRemedy = "use another SQS-compatible service";

/** A queue that is made for the check, and removed. Nothing is sent to one that functions listen to. */
class TrialQueue {
  readonly #sqs: SQSClient;
  readonly #asker: Asker;
  readonly url: string;

  private constructor(sqs: SQSClient, asker: Asker, url: string) {
    this.#sqs = sqs;
    this.#asker = asker;
    this.url = url;
  }

  static async create(sqs: SQSClient, asker: Asker): Promise<TrialQueue> {
    const name = `stampede-doctor-${randomBytes(6).toString("hex")}`;
    const command = new CreateQueueCommand({ QueueName: name, Attributes: { MaximumMessageSize: String(maxBytes) } });
    const { QueueUrl } = await asker.ask("sqs:CreateQueue", () => sqs.send(command));
    if (QueueUrl === undefined) throw new Shortcoming("a queue is created, but its URL is not told");
    return new TrialQueue(sqs, asker, QueueUrl);
  }

  async send(body: string, delaySeconds = 0): Promise<void> {
    const command = new SendMessageCommand({ QueueUrl: this.url, MessageBody: body, DelaySeconds: delaySeconds });
    await this.#asker.ask("sqs:SendMessage", () => this.#sqs.send(command));
  }

  async receive(waitSeconds: number, visibilitySeconds = 30): Promise<Message | undefined> {
    const command = new ReceiveMessageCommand({
      QueueUrl: this.url,
      WaitTimeSeconds: waitSeconds,
      VisibilityTimeout: visibilitySeconds,
      MessageSystemAttributeNames: ["ApproximateReceiveCount"],
    });
    const { Messages = [] } = await this.#asker.ask("sqs:ReceiveMessage", () => this.#sqs.send(command));
    return Messages[0];
  }

  async delete({ ReceiptHandle }: Message): Promise<void> {
    const command = new DeleteMessageCommand({ QueueUrl: this.url, ReceiptHandle });
    await this.#asker.ask("sqs:DeleteMessage", () => this.#sqs.send(command));
  }

  async show({ ReceiptHandle }: Message): Promise<void> {
    const command = new ChangeMessageVisibilityCommand({ QueueUrl: this.url, ReceiptHandle, VisibilityTimeout: 0 });
    await this.#asker.ask("sqs:ChangeMessageVisibility", () => this.#sqs.send(command));
  }

  async remove(): Promise<void> {
    await this.#asker.ask("sqs:DeleteQueue", () => this.#sqs.send(new DeleteQueueCommand({ QueueUrl: this.url })));
  }
}

/** How queues behave, tried out on one of the doctor's own. */
export async function checkQueues(sqs: SQSClient, asker: Asker): Promise<EndpointCheck[]> {
  let queue: TrialQueue;
  try {
    queue = await TrialQueue.create(sqs, asker);
  } catch (error) {
    if (!(error instanceof Refused)) return [await tried("queue", queueRemedy, () => Promise.reject(toError(error)))];
    // Whoever only submits jobs needs none of this.
    const found = `not tried: ${error.message}`;
    const remedy = "to try it, grant sqs:CreateQueue and sqs:DeleteQueue for a while; training does not need them";
    return [{ check: "queue", status: "warning", found, remedy }];
  }
  try {
    return [
      await tried("queue", queueRemedy, () => roundTrip(queue)),
      await tried("message size", "messages of Stampede are far smaller; use another service for your own", () =>
        messageSize(queue),
      ),
      await tried("delayed message", queueRemedy, () => delayed(queue)),
      await tried("redelivery", queueRemedy, () => redelivered(queue)),
    ];
  } finally {
    await queue.remove().catch(() => undefined);
  }
}

/**
 * Whether the driver's queue is there and may be written to. Sends what every SQS refuses because it is too long, so that no function
 * is woken.
 */
export function checkDriverQueue(sqs: SQSClient, asker: Asker, queueUrl: string): Promise<EndpointCheck> {
  const remedy = "give the URL of the driver's queue as --queue or in STAMPEDE_DRIVER_QUEUE_URL";
  return tried("driver's queue", remedy, async () => {
    const tooLong = new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: "x".repeat(maxBytes + 1) });
    try {
      await asker.ask("sqs:SendMessage", () => sqs.send(tooLong));
    } catch (error) {
      if (isTooLong(error)) return `${queueUrl} is there, and may be sent to`;
      throw error;
    }
    throw new Shortcoming(`${queueUrl} takes a message of more than ${maxBytes} bytes; one of them is now in it`, {
      status: "warning",
    });
  });
}

async function roundTrip(queue: TrialQueue): Promise<string> {
  await queue.send("there and back");
  const received = await queue.receive(10);
  if (received?.Body !== "there and back") throw new Shortcoming("a message that was sent does not arrive within 10 s");
  await queue.delete(received);
  return "a message is sent, received and deleted";
}

async function messageSize(queue: TrialQueue): Promise<string> {
  const body = "x".repeat(maxBytes);
  await queue.send(body).catch((error: unknown) => {
    if (!isTooLong(error)) throw error;
    throw new Shortcoming(`${maxBytes} bytes are refused`, { status: "warning" });
  });
  const received = await queue.receive(10);
  if (received?.Body !== body) throw new Shortcoming(`a message of ${maxBytes} bytes does not arrive whole`);
  await queue.delete(received);
  try {
    await queue.send(`${body}x`);
  } catch (error) {
    if (isTooLong(error)) return `${maxBytes} bytes arrive, more are refused`;
    throw error;
  }
  const surplus = await queue.receive(10);
  if (surplus !== undefined) await queue.delete(surplus);
  throw new Shortcoming(`more than ${maxBytes} bytes are accepted, which AWS refuses`, { status: "warning" });
}

async function delayed(queue: TrialQueue): Promise<string> {
  await queue.send("later", 1);
  const early = await queue.receive(0);
  if (early !== undefined) {
    await queue.delete(early);
    throw new Shortcoming("a message with a delay of 1 s arrives at once: no timer of the driver would work");
  }
  const received = await queue.receive(10);
  if (received?.Body !== "later") throw new Shortcoming("a message with a delay of 1 s does not arrive within 10 s");
  await queue.delete(received);
  return "arrives late, and does arrive";
}

async function redelivered(queue: TrialQueue): Promise<string> {
  await queue.send("again");
  const first = await queue.receive(10, 1);
  if (first === undefined) throw new Shortcoming("a message that was sent does not arrive within 10 s");
  const second = await queue.receive(10);
  if (second === undefined) {
    throw new Shortcoming(
      "a message that was received and not deleted does not come back after its visibility timeout",
    );
  }
  const count = second.Attributes?.ApproximateReceiveCount;
  if (count !== "2") {
    throw new Shortcoming(`the second delivery of a message says that it is number ${count ?? "none"}`);
  }
  await staleReceipt(queue, first, second);
  return "what was not deleted comes back, and says that it does";
}

/** One who was slow must not delete what another is working on. */
async function staleReceipt(queue: TrialQueue, first: Message, second: Message): Promise<void> {
  const wasRefused = await queue.delete(first).then(
    () => false,
    () => true,
  );
  if (wasRefused) return queue.delete(second);
  await queue.show(second).catch(() => undefined);
  const third = await queue.receive(2);
  if (third === undefined) {
    const found = "a message comes back, but the receipt of its first delivery still deletes it";
    throw new Shortcoming(found, { status: "warning", remedy: "nothing to do on AWS; an emulator does so" });
  }
  await queue.delete(third);
}

/** Named differently by AWS and by emulators. */
function isTooLong(error: unknown): boolean {
  return (
    error instanceof Error &&
    /InvalidParameterValue|InvalidMessageContents|RequestTooLong|too long/i.test(`${error.name} ${error.message}`)
  );
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
