import type { Queue, QueueMessage } from "@stampede/core";

type Handler = (messages: readonly QueueMessage[]) => Promise<void>;
/** Answers the messages that failed. */
type PartialHandler = (messages: readonly QueueMessage[]) => Promise<readonly QueueMessage[]>;

export interface ConsumeOptions {
  /** Messages handed over at once, 1 ... 10. */
  readonly batchSize: number;
  /** How long they are hidden meanwhile; a handler that takes longer may see them twice. */
  readonly visibilityMs: number;
  /** After this a message that failed comes back. @default visibilityMs */
  readonly retryMs?: number;
  /** Calls of the handler at the same time. @default 1 */
  readonly concurrency?: number;
  /**
   * Messages are deleted when this resolves, except those it answers as failed; they, and all when it rejects, come back after
   * `retryMs`. Nobody else hears of a rejection.
   */
  readonly handler: Handler | PartialHandler;
}

/** How long one receive waits before it asks again: the limit of SQS. The embedded queue answers as soon as a message comes. */
const waitMs = 20_000;

/**
 * Feeds a handler from a queue until `signal` aborts, and resolves when the handlers that run then have ended. Close the queue
 * after `signal`, not before.
 */
export async function consume(queue: Queue, signal: AbortSignal, options: ConsumeOptions): Promise<void> {
  await Promise.all(Array.from({ length: options.concurrency ?? 1 }, () => runLoop(queue, signal, options)));
}

/** A handler that takes the messages of a batch one by one; one whose handling rejects fails alone. */
export function eachMessage(handle: (message: QueueMessage) => Promise<void>): PartialHandler {
  return async (messages) => {
    const failed: QueueMessage[] = [];
    for (const message of messages) {
      await handle(message).catch(() => failed.push(message));
    }
    return failed;
  };
}

async function runLoop(queue: Queue, signal: AbortSignal, options: ConsumeOptions): Promise<void> {
  const { batchSize, visibilityMs } = options;
  while (!signal.aborted) {
    const receiving = queue.receive({ max: batchSize, waitMs, visibilityMs });
    const messages = await unlessAborted(receiving, signal);
    if (messages === undefined) giveBack(queue, receiving);
    else if (messages.length > 0) await handleBatch(queue, messages, options);
  }
}

async function handleBatch(
  queue: Queue,
  messages: readonly QueueMessage[],
  { handler, retryMs }: ConsumeOptions,
): Promise<void> {
  const failed = await handler(messages).then(
    (answer) => answer ?? [],
    () => messages,
  );
  const kept = new Set(failed.map(({ receipt }) => receipt));
  const done = messages.filter(({ receipt }) => !kept.has(receipt));
  await Promise.all(done.map(({ receipt }) => queue.delete(receipt)));
  if (retryMs !== undefined) await Promise.all(failed.map(({ receipt }) => queue.extend(receipt, retryMs)));
}

/** Messages that come for a consumer that has stopped are for others, at once. */
function giveBack(queue: Queue, receiving: Promise<readonly QueueMessage[]>): void {
  receiving
    .then((messages) => Promise.all(messages.map(({ receipt }) => queue.extend(receipt, 0))))
    // They come back by themselves when their visibility ends.
    .catch(() => undefined);
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve(undefined);
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
