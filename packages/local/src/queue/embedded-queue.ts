import { StampedeError, type Clock, type Queue, type QueueMessage, type Timers } from "@stampede/core";

/** The limits of SQS, kept here so that what runs on one machine also runs there. */
const maxBatch = 10;
const maxDelayMs = 900_000;
const maxVisibilityMs = 43_200_000;
const maxWaitMs = 20_000;

export interface EmbeddedQueueOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Deliveries of one message before it goes to the dead letters. @default 5 */
  readonly maxReceives?: number;
}

/** A message that was delivered as often as is permitted, and not deleted. */
export interface DeadLetter {
  readonly id: string;
  readonly body: string;
  readonly receiveCount: number;
  /** Milliseconds since the epoch. */
  readonly diedAt: number;
}

interface Entry {
  readonly id: string;
  readonly body: string;
  receiveCount: number;
  /** Of the last delivery; undefined while visible or delayed. */
  receipt: string | undefined;
  /** Prevents the timer of a hidden message. */
  cancelTimer: () => void;
}

interface Waiter {
  readonly max: number;
  readonly visibilityMs: number;
  readonly resolve: (messages: readonly QueueMessage[]) => void;
  readonly cancelTimer: () => void;
}

/**
 * A queue in this process, with the manners of SQS: what works over it works there. Nothing polls: a message that becomes
 * visible goes straight to the receiver that waits longest. Its messages end with the process, as hints may.
 */
export class EmbeddedQueue implements Queue {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #maxReceives: number;
  /** In the order in which they became visible. */
  readonly #visible = new Set<Entry>();
  /** Delivered and not deleted, by receipt. */
  readonly #delivered = new Map<string, Entry>();
  readonly #delayed = new Set<Entry>();
  readonly #waiters = new Set<Waiter>();
  readonly #dead: DeadLetter[] = [];
  #sent = 0;
  #closed = false;

  constructor({ clock, timers, maxReceives = 5 }: EmbeddedQueueOptions) {
    this.#clock = clock;
    this.#timers = timers;
    this.#maxReceives = check("maxReceives", maxReceives, 1, 1000);
  }

  async send(body: string, { delayMs = 0 }: { readonly delayMs?: number } = {}): Promise<void> {
    check("delayMs", delayMs, 0, maxDelayMs);
    if (this.#closed) return;
    const entry: Entry = {
      id: String((this.#sent += 1)),
      body,
      receiveCount: 0,
      receipt: undefined,
      cancelTimer: () => undefined,
    };
    if (delayMs > 0) {
      this.#delayed.add(entry);
      entry.cancelTimer = this.#timers.after(delayMs, () => this.#show(entry));
    } else {
      this.#show(entry);
    }
  }

  async receive(options: {
    readonly max: number;
    readonly waitMs: number;
    readonly visibilityMs: number;
  }): Promise<readonly QueueMessage[]> {
    const max = check("max", options.max, 1, maxBatch);
    const visibilityMs = check("visibilityMs", options.visibilityMs, 0, maxVisibilityMs);
    const waitMs = check("waitMs", options.waitMs, 0, maxWaitMs);
    if (this.#closed) throw closedQueue();
    if (this.#visible.size > 0 || waitMs === 0) return this.#take(max, visibilityMs);
    return new Promise((resolve) => {
      const cancelTimer = this.#timers.after(waitMs, () => {
        this.#waiters.delete(waiter);
        resolve([]);
      });
      const waiter: Waiter = { max, visibilityMs, resolve, cancelTimer };
      this.#waiters.add(waiter);
    });
  }

  async delete(receipt: string): Promise<void> {
    const entry = this.#delivered.get(receipt);
    if (entry !== undefined) this.#forget(entry);
  }

  async extend(receipt: string, visibilityMs: number): Promise<void> {
    check("visibilityMs", visibilityMs, 0, maxVisibilityMs);
    const entry = this.#delivered.get(receipt);
    if (entry === undefined) return;
    entry.cancelTimer();
    this.#hide(entry, visibilityMs);
  }

  /** Messages that were given up, the oldest first. */
  deadLetters(): readonly DeadLetter[] {
    return [...this.#dead];
  }

  /**
   * Drops every message, lets every receiver go with nothing, and leaves no timer behind. What is sent afterwards is lost, and
   * receiving rejects with `job.interrupted`.
   */
  close(): void {
    this.#closed = true;
    for (const entry of [...this.#delivered.values(), ...this.#delayed]) this.#forget(entry);
    this.#visible.clear();
    for (const waiter of this.#waiters) {
      waiter.cancelTimer();
      waiter.resolve([]);
    }
    this.#waiters.clear();
  }

  #take(max: number, visibilityMs: number): readonly QueueMessage[] {
    const messages: QueueMessage[] = [];
    for (const entry of this.#visible) {
      if (messages.length === max) break;
      this.#visible.delete(entry);
      entry.receiveCount += 1;
      const { id, body, receiveCount } = entry;
      const receipt = `${id}:${receiveCount}`;
      entry.receipt = receipt;
      this.#delivered.set(receipt, entry);
      this.#hide(entry, visibilityMs);
      messages.push({ id, body, receiveCount, receipt });
    }
    return messages;
  }

  #hide(entry: Entry, visibilityMs: number): void {
    if (visibilityMs > 0) entry.cancelTimer = this.#timers.after(visibilityMs, () => this.#comeBack(entry));
    else this.#comeBack(entry);
  }

  #comeBack(entry: Entry): void {
    this.#forget(entry);
    const { id, body, receiveCount } = entry;
    if (receiveCount < this.#maxReceives) this.#show(entry);
    else this.#dead.push({ id, body, receiveCount, diedAt: this.#clock.now() });
  }

  #show(entry: Entry): void {
    this.#delayed.delete(entry);
    this.#visible.add(entry);
    const [waiter] = this.#waiters;
    if (waiter === undefined) return;
    this.#waiters.delete(waiter);
    waiter.cancelTimer();
    waiter.resolve(this.#take(waiter.max, waiter.visibilityMs));
  }

  #forget(entry: Entry): void {
    entry.cancelTimer();
    this.#delayed.delete(entry);
    if (entry.receipt !== undefined) this.#delivered.delete(entry.receipt);
    entry.receipt = undefined;
  }
}

function closedQueue(): StampedeError {
  return new StampedeError(
    "job.interrupted",
    "Expected an open queue, found that it was closed. Nothing was received.",
  );
}

function check(name: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  throw new StampedeError(
    "option.invalid",
    `Expected ${name} to be ${min} ... ${max}, found ${value}. Nothing was sent or received.`,
    {
      details: { option: name, value },
    },
  );
}
