import type { SqsQueue } from "@stampede/aws";
import { toErrorFacts, type QueueMessage } from "@stampede/core";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { endIfForbidden } from "./forbidden.js";
import { logger } from "./log.js";

/** Work is not begun in the last part of an invocation: it could be cut off in the middle. */
const reserve = 0.2;
const firstRetryMs = 2_000;
const longestRetryMs = 60_000;

export interface BatchHandling {
  /** Where the messages came from; undefined where they come back by themselves soon enough. */
  readonly queue: SqsQueue | undefined;
  /** Messages with the same name are handled one after the other, others at the same time. */
  readonly lane: (message: QueueMessage) => string;
  readonly handle: (message: QueueMessage) => Promise<void>;
}

/**
 * Handles each message of a batch for itself: one that fails comes back and does not bring the others back with it. It comes back
 * soon, and not after the queue's visibility timeout, which is for functions that died. What can no longer be done in this
 * invocation is given back at once.
 */
export async function handleBatch(
  event: SQSEvent,
  context: Context,
  { queue, lane, handle }: BatchHandling,
): Promise<SQSBatchResponse> {
  const giveUpAt = Date.now() + context.getRemainingTimeInMillis() * (1 - reserve);
  const lanes = inLanes(event.Records.map(messageOf), lane);
  const failed: string[] = [];
  const fail = async (message: QueueMessage, delayMs: number): Promise<void> => {
    failed.push(message.id);
    // Otherwise it comes back when it would have anyway.
    await queue
      ?.extend(message.receipt, delayMs)
      .catch((error: unknown) => logger.warn("not given back", toError(error)));
  };
  await Promise.all(
    lanes.map(async (messages) => {
      for (const message of messages) {
        if (Date.now() >= giveUpAt) {
          await fail(message, 0);
          continue;
        }
        try {
          await handle(message);
        } catch (error) {
          const { code, message: reason } = toErrorFacts(error);
          const job = jobIn(message);
          logger.error("message failed", { job, code, reason, receiveCount: message.receiveCount });
          if (await endIfForbidden(job, error, message.receiveCount)) continue;
          await fail(message, Math.min(longestRetryMs, firstRetryMs * 2 ** (message.receiveCount - 1)));
        }
      }
    }),
  );
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}

/** What the message speaks of, also where it cannot be decoded: for a lane, or a line of the log. */
export function jobIn({ body }: QueueMessage): string | undefined {
  return /"job":"([a-z0-9-]{1,63})"/.exec(body)?.[1];
}

function inLanes(messages: readonly QueueMessage[], lane: BatchHandling["lane"]): readonly (readonly QueueMessage[])[] {
  const lanes = new Map<string, QueueMessage[]>();
  for (const message of messages) lanes.set(lane(message), [...(lanes.get(lane(message)) ?? []), message]);
  return [...lanes.values()];
}

function messageOf({ messageId, body, receiptHandle, attributes }: SQSRecord): QueueMessage {
  const receiveCount = Number(attributes.ApproximateReceiveCount);
  return {
    id: messageId,
    body,
    receipt: receiptHandle,
    receiveCount: Number.isInteger(receiveCount) ? receiveCount : 1,
  };
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
