import type { Queue, QueueMessage, Timers } from "@stampede/core";
import { disturbed } from "./disturbed.js";
import type { Fault, Faults, Operation } from "./faults.js";

type ReceiveOptions = Parameters<Queue["receive"]>[0];
type SendOptions = Parameters<Queue["send"]>[1];

const maxDelayMs = 900_000;

/** A queue that loses, doubles, delays and reorders, and whose operations fail. */
export class FaultyQueue implements Queue {
  readonly #name: string;
  readonly #inner: Queue;
  readonly #faults: Faults;
  readonly #timers: Timers;

  /** @param name of the queue, for whoever decides on faults */
  constructor(name: string, inner: Queue, faults: Faults, timers: Timers) {
    this.#name = name;
    this.#inner = inner;
    this.#faults = faults;
    this.#timers = timers;
  }

  async send(body: string, options?: SendOptions): Promise<void> {
    const operation: Operation = { name: "queue.send", subject: this.#name };
    const fault = this.#faults.of(operation);
    const act = (): Promise<void> => this.#inner.send(body, options);
    if (fault === undefined) return act();
    switch (fault.kind) {
      case "lost":
        return;
      case "doubled":
        await act();
        return act();
      case "delayed": {
        const delayMs = Math.min(maxDelayMs, (options?.delayMs ?? 0) + fault.amount);
        return this.#inner.send(body, { delayMs });
      }
      default:
        return disturbed(operation, fault, this.#timers, act);
    }
  }

  async receive(options: ReceiveOptions): Promise<readonly QueueMessage[]> {
    const operation: Operation = { name: "queue.receive", subject: this.#name };
    const fault = this.#faults.of(operation);
    if (fault === undefined) return this.#inner.receive(options);
    switch (fault.kind) {
      case "reordered":
        return (await this.#inner.receive(options)).toReversed();
      case "expires-early":
        return this.#inner.receive({ ...options, visibilityMs: early(options, fault) });
      default:
        return disturbed(operation, fault, this.#timers, () => this.#inner.receive(options));
    }
  }

  delete(receipt: string): Promise<void> {
    return this.#run({ name: "queue.delete", subject: this.#name }, () => this.#inner.delete(receipt));
  }

  extend(receipt: string, visibilityMs: number): Promise<void> {
    return this.#run({ name: "queue.extend", subject: this.#name }, () => this.#inner.extend(receipt, visibilityMs));
  }

  #run(operation: Operation, act: () => Promise<void>): Promise<void> {
    const fault = this.#faults.of(operation);
    return fault === undefined ? act() : disturbed(operation, fault, this.#timers, act);
  }
}

function early({ visibilityMs }: ReceiveOptions, { amount }: Fault): number {
  return Math.floor(visibilityMs * amount);
}
