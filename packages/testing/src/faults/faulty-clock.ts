import type { Clock, Timers } from "@stampede/core";
import type { Faults, Operation } from "./faults.js";

/** A clock that jumps, as when a machine's time is set, and timers that are late. */
export class FaultyClock implements Clock, Timers {
  readonly #inner: Clock & Timers;
  readonly #faults: Faults;
  #offsetMs = 0;

  constructor(inner: Clock & Timers, faults: Faults) {
    this.#inner = inner;
    this.#faults = faults;
  }

  now(): number {
    const operation: Operation = { name: "clock.now", subject: "clock" };
    this.#offsetMs += this.#faults.of(operation)?.amount ?? 0;
    return this.#inner.now() + this.#offsetMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const operation: Operation = { name: "timers.after", subject: "timer" };
    return this.#inner.after(delayMs + (this.#faults.of(operation)?.amount ?? 0), callback);
  }
}
