export interface QueueMessage {
  readonly id: string;
  readonly body: string;
  /** 1 at the first delivery. */
  readonly receiveCount: number;
  /** Proof of this delivery; a later delivery has another. */
  readonly receipt: string;
}

/**
 * At-least-once delivery in no promised order, as SQS standard queues have it. Messages are hints: everything true lives
 * in the object store.
 *
 * Every method rejects with a StampedeError: `store.unavailable` when the service does not answer, `option.invalid` for what it cannot take.
 */
export interface Queue {
  /** The message MUST become visible after `delayMs` (default 0, at most 900,000: the limit of SQS). */
  send(body: string, options?: { readonly delayMs?: number }): Promise<void>;
  /**
   * Up to `max` messages (1 ... 10), waiting at most `waitMs` for the first. A received message MUST stay hidden for
   * `visibilityMs` and MUST come back after that unless deleted; after its last permitted delivery it MUST go to the dead letters.
   */
  receive(options: {
    readonly max: number;
    readonly waitMs: number;
    readonly visibilityMs: number;
  }): Promise<readonly QueueMessage[]>;
  /** MUST NOT delete a message that was delivered again since; MUST succeed for one that is gone. */
  delete(receipt: string): Promise<void>;
  /** Hides the message for `visibilityMs` from now; 0 makes it visible at once. A stale receipt changes nothing. */
  extend(receipt: string, visibilityMs: number): Promise<void>;
}
