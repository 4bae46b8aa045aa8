import type { Queue, QueueMessage } from "@stampede/core";
import { expect } from "vitest";

/** An empty queue of its own for each test. */
export interface QueueHarness {
  readonly queue: Queue;
  /** Deliveries after which a message goes to the dead letters; at least 3. */
  readonly maxReceives: number;
  /** Lets time pass: virtual for an embedded queue, real for a remote one. */
  readonly advance: (ms: number) => Promise<void>;
  /** Bodies of the dead letters that are there by now. */
  readonly deadLetters: () => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

/** What an emulator may do otherwise than the contract: delete or hide a message by the receipt of an earlier delivery. */
export type QueueDeviation = "stale receipts act";

export const visibilityMs = 3_000;

/** One message that is, or is about to be, there. */
export async function receiveOne({ queue }: QueueHarness): Promise<QueueMessage> {
  const [message, ...others] = await queue.receive({ max: 1, waitMs: 2_000, visibilityMs });
  expect(others).toEqual([]);
  if (message === undefined) throw new Error("expected a message, found none");
  return message;
}

/** Waits a second (which passes) and finds nothing. */
export async function expectNothing({ queue, advance }: QueueHarness): Promise<void> {
  const waiting = queue.receive({ max: 10, waitMs: 1_000, visibilityMs });
  await advance(1_000);
  expect(await waiting).toEqual([]);
}
