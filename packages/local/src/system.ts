import { randomBytes } from "node:crypto";
import type { Clock, Timers, UniqueSource } from "@stampede/core";

/** Milliseconds of the machine's steady clock, which all threads and processes share and nobody can set. */
function steadyMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What the steady clock lacks to the milliseconds since the epoch: measured once, so that a clock that is set meanwhile moves no deadline. */
export const clockOffsetMs = Date.now() - steadyMs();

/** A clock that agrees with every other of the same offset, in other threads and processes too, and never jumps. */
export function clockFrom(offsetMs: number): Clock {
  return { now: () => Math.round(offsetMs + steadyMs()) };
}

export const systemClock: Clock = clockFrom(clockOffsetMs);

export const systemTimers: Timers = {
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

export const systemUnique: UniqueSource = {
  hex: (digits) =>
    randomBytes(Math.ceil(digits / 2))
      .toString("hex")
      .slice(0, digits),
};
