import { decodeRecord, JobHead, keys } from "@stampede/core";
import type { StartedTask } from "../ledger.js";
import type { History, JobHistory } from "../simulation.js";
import type { Injected } from "../weather.js";
import type { Violation } from "./violation.js";

/** Executors are started by what a head says, after it was committed; and what a driver goes through costs no task an attempt. */
export function wrongStarts(history: History): readonly Violation[] {
  return history.jobs.flatMap((job) => [...uncommittedStarts(history, job), ...costlyDrivers(history, job)]);
}

function uncommittedStarts({ ledger }: History, { spec }: JobHistory): readonly Violation[] {
  const key = keys.head(spec.job);
  const heads = ledger.writes.flatMap(({ key: written, body, at }) =>
    written === key ? [{ head: decodeRecord(JobHead, body, key), at }] : [],
  );
  return ledger.starts.flatMap(({ task, at, by }) => {
    if (task.job !== spec.job) return [];
    const isCommitted = heads.some((version) => version.at <= at && speaksOf(version.head, task));
    if (isCommitted) return [];
    const { stage, partition, attempt } = task;
    const message = `${by} started attempt ${attempt} of ${stage.kind} ${stage.round} p${partition}, of which no head speaks`;
    return [{ rule: "commit-before-act", message }];
  });
}

function speaksOf({ stage, tasks }: JobHead, { partition, attempt, startedAt, ...task }: StartedTask["task"]): boolean {
  const isStage = stage.kind === task.stage.kind && stage.round === task.stage.round;
  return isStage && tasks.attempts[partition] === attempt && tasks.startedAt[partition] === startedAt;
}

/** The message of a function that dies comes again; what is more seldom than deliveries are permitted, and heals at once, hurts no task. */
function costlyDrivers(history: History, { spec, plan }: JobHistory): readonly Violation[] {
  const { injected, scenario, ledger } = history;
  const isFair = plan.poison === undefined && scenario.crashesAfterMs.length === 0;
  // The next delivery must come before the task's deadline does, and before anybody takes it for silent.
  const isPatient = plan.limits.taskTimeoutSeconds * 1000 > 2 * scenario.habits.visibilityMs;
  if (!isFair || !isPatient || injected.length === 0 || injected.length > 2 || !injected.every(isHarmless)) return [];
  const key = keys.head(spec.job);
  const last = ledger.writes.findLast((write) => write.key === key);
  const failures = last === undefined ? [] : decodeRecord(JobHead, last.body, key).tasks.failures;
  if (failures.every((count) => count === 0)) return [];
  return [
    {
      rule: "drivers-cost-no-attempt",
      message: `failures ${failures.join()}, though only functions on queues were disturbed`,
    },
  ];
}

function isHarmless({ who, kind }: Injected): boolean {
  return /^(driver|deltas) /.test(who) && healing.has(kind);
}

const healing: ReadonlySet<string> = new Set([
  "dies-before",
  "dies-after",
  "refused",
  "unanswered",
  "clashed",
  "conflict-with-itself",
  "doubled",
  "reordered",
]);
