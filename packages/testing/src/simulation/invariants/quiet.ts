import { keys } from "@stampede/core";
import type { History, JobHistory } from "../simulation.js";
import type { Violation } from "./violation.js";

/** A job that has ended is left alone: nobody starts executors, every message is used up, and its mark is gone. */
export function wrongEnd(history: History): readonly Violation[] {
  const { jobs, isQuiet, tookMs, steps } = history;
  const found = jobs.flatMap((job) => (job.isStored ? wrongEndOf(job, history) : []));
  if (isQuiet) return found;
  const seconds = Math.round(tookMs / 1000);
  return [{ rule: "ends", message: `after ${seconds} s and ${steps} operations it still goes on` }, ...found];
}

function wrongEndOf({ spec, result }: JobHistory, { ledger, isQuiet }: History): readonly Violation[] {
  const { job } = spec;
  if (result === undefined) return [{ rule: "ends", message: `${job} has no result` }];
  const endedAt = ledger.createdAt(keys.result(job)) ?? Infinity;
  const late = ledger.starts.filter(({ task, functionBeganAt }) => task.job === job && functionBeganAt > endedAt);
  const mark = keys.unfinishedJob(job);
  const isMarked = ledger.writes.findLast(({ key }) => key === mark)?.kind === "create";
  return [
    ...late.map(({ by }) => unquiet(`${by} started an executor after the end`)),
    ...(isQuiet && isMarked ? [unquiet(`the mark of ${job} is still there`)] : []),
  ];
}

function unquiet(message: string): Violation {
  return { rule: "quiet-after-the-end", message };
}
