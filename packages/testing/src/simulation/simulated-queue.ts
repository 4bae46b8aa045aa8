import { StampedeError, type Queue, type QueueMessage } from "@stampede/core";
import type { VirtualTime } from "./virtual-time.js";

interface Kept {
  readonly id: string;
  readonly body: string;
  receiveCount: number;
  receipt: string | undefined;
  visibleAt: number;
}

export interface SimulatedQueueOptions {
  readonly time: VirtualTime;
  readonly maxReceives: number;
  /** A name for each message that is sent, which no other has. */
  readonly nameMessage: () => string;
  /** A message has become visible. */
  readonly onVisible?: () => void;
}

type ReceiveOptions = Parameters<Queue["receive"]>[0];

interface Waiter {
  readonly options: ReceiveOptions;
  readonly resolve: (messages: readonly QueueMessage[]) => void;
}

/** A queue in virtual time, with the manners of SQS: delays in whole seconds, visibility, dead letters. */
export class SimulatedQueue implements Queue {
  readonly #options: SimulatedQueueOptions;
  readonly #messages = new Map<string, Kept>();
  readonly #dead: string[] = [];
  readonly #waiters = new Set<Waiter>();

  constructor(options: SimulatedQueueOptions) {
    this.#options = options;
  }

  send(body: string, { delayMs = 0 }: { readonly delayMs?: number } = {}): Promise<void> {
    if (!(delayMs >= 0 && delayMs <= 900_000)) return Promise.reject(tooLong(delayMs));
    const id = this.#options.nameMessage();
    const kept: Kept = { id, body, receiveCount: 0, receipt: undefined, visibleAt: 0 };
    this.#messages.set(id, kept);
    this.#hide(kept, Math.ceil(delayMs / 1000) * 1000);
    return Promise.resolve();
  }

  receive(options: ReceiveOptions): Promise<readonly QueueMessage[]> {
    const received = this.#take(options);
    if (received.length > 0 || options.waitMs === 0) return Promise.resolve(received);
    return new Promise((resolve) => {
      const waiter: Waiter = { options, resolve };
      this.#waiters.add(waiter);
      this.#options.time.after(options.waitMs, () => {
        if (this.#waiters.delete(waiter)) resolve([]);
      });
    });
  }

  #take({ max, visibilityMs }: ReceiveOptions): readonly QueueMessage[] {
    const now = this.#options.time.exact;
    const received: QueueMessage[] = [];
    for (const kept of this.#messages.values()) {
      if (received.length === max) break;
      if (kept.visibleAt > now || this.#isDead(kept)) continue;
      kept.receiveCount += 1;
      const { id, body, receiveCount } = kept;
      const receipt = `${id}/${receiveCount}`;
      kept.receipt = receipt;
      this.#hide(kept, visibilityMs);
      received.push({ id, body, receiveCount, receipt });
    }
    return received;
  }

  delete(receipt: string): Promise<void> {
    const kept = this.#of(receipt);
    if (kept !== undefined) this.#messages.delete(kept.id);
    return Promise.resolve();
  }

  extend(receipt: string, visibilityMs: number): Promise<void> {
    const kept = this.#of(receipt);
    if (kept !== undefined) this.#hide(kept, visibilityMs);
    return Promise.resolve();
  }

  /** Messages that wait, are delayed, or are delivered and not deleted. */
  get pending(): number {
    return this.#messages.size;
  }

  /** Messages that a receiver would get now. */
  get visible(): number {
    const now = this.#options.time.exact;
    let count = 0;
    for (const { visibleAt } of this.#messages.values()) if (visibleAt <= now) count += 1;
    return count;
  }

  /** Bodies of the messages that were given up. */
  deadLetters(): readonly string[] {
    return [...this.#dead];
  }

  /** All messages are gone, as with the machine that kept them in memory. */
  clear(): void {
    this.#messages.clear();
  }

  #of(receipt: string): Kept | undefined {
    const kept = this.#messages.get(receipt.slice(0, receipt.lastIndexOf("/")));
    return kept?.receipt === receipt ? kept : undefined;
  }

  #hide(kept: Kept, ms: number): void {
    const { time } = this.#options;
    kept.visibleAt = time.exact + ms;
    const { visibleAt } = kept;
    // Who waits already need not wait until time passes.
    if (ms === 0 && this.#waiters.size > 0 && !this.#isDead(kept)) return this.#show();
    time.at(visibleAt, () => {
      const isCurrent = this.#messages.get(kept.id) === kept && kept.visibleAt === visibleAt;
      if (isCurrent && !this.#isDead(kept)) this.#show();
    });
  }

  #show(): void {
    const [waiter] = this.#waiters;
    if (waiter === undefined) return this.#options.onVisible?.();
    this.#waiters.delete(waiter);
    waiter.resolve(this.#take(waiter.options));
  }

  /** A message that comes back after its last delivery goes to the dead letters. */
  #isDead(kept: Kept): boolean {
    if (kept.receiveCount < this.#options.maxReceives) return false;
    this.#messages.delete(kept.id);
    this.#dead.push(kept.body);
    return true;
  }
}

function tooLong(delayMs: number): StampedeError {
  const message = `Expected a delay of 0 ... 900000 ms, found ${delayMs}. Nothing was sent.`;
  return new StampedeError("option.invalid", message);
}
