import type { QueueMessage } from "@stampede/core";
import type { SimulatedQueue } from "../simulation/simulated-queue.js";
import type { Cloud } from "./cloud.js";
import type { SourceSetup } from "./setup.js";

/** While messages wait, more calls are made from time to time. */
const lookMs = 200;
/** Without messages that wait it soon is as it was at first. */
const calmMs = 60_000;

/** Feeds a function from a queue, as an event source mapping of Lambda does. */
export class EventSource {
  readonly #cloud: Cloud;
  readonly #queue: SimulatedQueue;
  readonly #setup: SourceSetup;
  readonly #visibilityMs: number;
  readonly #call: (messages: readonly QueueMessage[]) => Promise<void>;
  #polling = 0;
  #active = 0;
  #allowed: number;
  /** When more messages waited than could be handled. */
  #fullAt: number | undefined;
  #lastFullAt = 0;
  /** Calls at the same time, at most. */
  mostActive = 0;

  constructor(
    cloud: Cloud,
    queue: SimulatedQueue,
    setup: SourceSetup & { readonly visibilityMs: number },
    call: (messages: readonly QueueMessage[]) => Promise<void>,
  ) {
    this.#cloud = cloud;
    this.#queue = queue;
    this.#setup = setup;
    this.#visibilityMs = setup.visibilityMs;
    this.#call = call;
    this.#allowed = cloud.latencies.eventSourceCalls;
  }

  /** A message is there. */
  wake(): void {
    const { batchSize } = this.#setup;
    const { visible } = this.#queue;
    while (this.#polling * batchSize < visible && this.#polling + this.#active < this.#most()) this.#poll();
    const isFull = this.#polling * batchSize < visible;
    if (!isFull) this.#fullAt = undefined;
    else if (this.#fullAt === undefined) this.#grow();
  }

  #most(): number {
    const { time, latencies } = this.#cloud;
    if (time.exact - this.#lastFullAt > calmMs) this.#allowed = latencies.eventSourceCalls;
    return Math.min(this.#setup.maxConcurrency, Math.floor(this.#allowed));
  }

  #grow(): void {
    const { time, latencies } = this.#cloud;
    this.#fullAt = time.exact;
    const since = time.exact;
    time.after(lookMs, () => {
      if (this.#fullAt !== since) return;
      this.#fullAt = undefined;
      this.#lastFullAt = time.exact;
      this.#allowed += (latencies.eventSourceCallsPerMinute * lookMs) / 60_000;
      this.wake();
    });
  }

  #poll(): void {
    const { time, latencies, chance } = this.#cloud;
    this.#polling += 1;
    time.after(chance.around(latencies.sqsPoll), () => {
      void this.#receive().finally(() => this.wake());
    });
  }

  async #receive(): Promise<void> {
    const { bill } = this.#cloud;
    const max = Math.min(10, this.#setup.batchSize);
    const messages = await this.#queue.receive({ max, waitMs: 0, visibilityMs: this.#visibilityMs });
    this.#polling -= 1;
    bill.add("sqs:ReceiveMessage");
    if (messages.length === 0) return;
    bill.add("lambda:EventSource");
    this.#active += 1;
    this.mostActive = Math.max(this.mostActive, this.#active);
    await this.#call(messages);
    this.#active -= 1;
    bill.add("sqs:DeleteMessageBatch");
    for (const { receipt } of messages) await this.#queue.delete(receipt);
  }
}
