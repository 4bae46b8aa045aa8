import { randomBytes } from "node:crypto";
import type { Clock, Timers, UniqueSource } from "@stampede/core";

export const systemClock: Clock = { now: () => Date.now() };

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
