import type { Clock } from "@stampede/core";

/** Kept back for the records and the message with which an attempt ends: a few small requests, some of them slow. */
const leastReserveMs = 500;
/** What was measured may take that many times as long the next time. */
const caution = 2;

/** The time that an attempt has. What cannot end in it, and be saved, is not begun. */
export class TimeLimit {
  readonly #endsAt: number;
  readonly #clock: Clock;
  #longestTransferMs = 0;

  /** @param endsAt milliseconds since the epoch: whoever works on then is ended by the platform, or given up by the driver */
  constructor(endsAt: number, clock: Clock) {
    this.#endsAt = endsAt;
    this.#clock = clock;
  }

  /** Reads or writes the weights, and so shows how much time saving them will take. */
  async measured<T>(transfer: () => Promise<T>): Promise<T> {
    const began = this.#clock.now();
    const result = await transfer();
    this.#longestTransferMs = Math.max(this.#longestTransferMs, this.#clock.now() - began);
    return result;
  }

  /** Whether so much work can still be done, and what it leads to saved. */
  hasTimeFor(workMs: number): boolean {
    const reserveMs = leastReserveMs + caution * this.#longestTransferMs;
    return this.#clock.now() + workMs + reserveMs <= this.#endsAt;
  }
}
