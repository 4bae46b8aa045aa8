import { keys } from "@stampede/core";
import type { History } from "../simulation.js";
import type { Violation } from "./violation.js";

/** How often an executor asks whether it is needed, and what its question may take. */
const checkMs = 2_000;
const answerMs = 5_000;

/** Nobody works for a job that has ended: an executor notices within a piece of work and the time between two of its questions. */
export function uselessWork({ ledger, injected, scenario }: History): readonly Violation[] {
  if (injected.some(({ kind }) => kind === "jumps")) return [];
  return ledger.work.flatMap(({ who, job, beganAt, from, slowness, at }) => {
    const endedAt = ledger.createdAt(keys.result(job)) ?? Infinity;
    const patienceMs = checkMs + answerMs + 2 * scenario.habits.batchMs * slowness;
    const isDisturbed = injected.some((fault) => fault.who === who && fault.kind !== "straggles");
    // One that was started late asks for the first time when it has worked a while.
    if (isDisturbed || from <= Math.max(endedAt, beganAt) + patienceMs) return [];
    const lateMs = Math.round(from - endedAt);
    return [
      {
        rule: "stops-when-ended",
        message: `${who} began to train ${lateMs} ms after the end (until ${Math.round(at)})`,
      },
    ];
  });
}
