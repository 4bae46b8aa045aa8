import { StampedeError, type Timers } from "@stampede/core";
import type { Fault, Operation } from "./faults.js";

/**
 * A request that goes wrong in one of the ways in which every request over a network can.
 * @throws StampedeError `store.unavailable`, as adapters reject; RangeError for a fault of another kind
 */
export async function disturbed<T>(
  operation: Operation,
  { kind, amount }: Fault,
  timers: Timers,
  act: () => Promise<T>,
): Promise<T> {
  switch (kind) {
    case "refused":
      throw unavailable(operation, "it was refused, and nothing was done");
    case "unanswered":
      await act();
      throw unavailable(operation, "no answer came in time");
    case "slow":
      await pause(timers, amount);
      return act();
    case "answered-late": {
      const answer = await act();
      await pause(timers, amount);
      return answer;
    }
    default:
      throw unfit(operation, kind);
  }
}

/** What an adapter rejects with when its service does not do what it was asked. */
export function unavailable({ name, subject }: Operation, found: string): StampedeError {
  return new StampedeError("store.unavailable", `Expected an answer to ${name} of ${subject}; ${found}.`);
}

export function unfit({ name }: Operation, kind: string): RangeError {
  return new RangeError(`${name} cannot fail as ${kind}`);
}

export function pause(timers: Timers, ms: number): Promise<void> {
  return new Promise((resolve) => {
    timers.after(ms, resolve);
  });
}
