import { setImmediate } from "node:timers/promises";
import type { Clock, Timers } from "@stampede/core";

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Time that passes only when a test says so. */
export class ManualClock implements Clock, Timers {
  #now: number;
  /** In order of making, which decides between timers of the same time. */
  readonly #timers = new Set<Timer>();

  /** @param now milliseconds since the epoch */
  constructor(now = 1_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delayMs), callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** How many timers are pending. */
  get pending(): number {
    return this.#timers.size;
  }

  /**
   * Lets `ms` pass. Timers are called in order, each at its own time, those set meanwhile included; after each one the promises
   * it settled run as far as they can.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await setImmediate();
    for (let next = this.#nextBefore(end); next !== undefined; next = this.#nextBefore(end)) {
      this.#timers.delete(next);
      this.#now = next.at;
      next.callback();
      await setImmediate();
    }
    this.#now = end;
  }

  #nextBefore(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer;
    }
    return next;
  }
}
