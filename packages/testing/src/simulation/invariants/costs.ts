import { keys } from "@stampede/core";
import { baselineOf } from "../baseline.js";
import { startAt, type History, type JobHistory } from "../simulation.js";
import type { Violation } from "./violation.js";

/**
 * What a disturbance costs is bounded: executors, requests and time are at most those of an undisturbed run, and so much more for each
 * thing that went wrong. The bounds are meant to find what grows without end, not what costs a little too much.
 */
export async function tooMuch(history: History): Promise<readonly Violation[]> {
  const { ledger, jobs, steps, tookMs, scenario } = history;
  const baselines = await Promise.all(jobs.map(({ plan }) => baselineOf(plan.shape)));
  const disturbances = disturbancesOf(history);
  const partitions = jobs.reduce((sum, { spec }) => sum + spec.partitions, 0);
  const sum = (value: (baseline: (typeof baselines)[number]) => number): number =>
    baselines.reduce((total, baseline) => total + value(baseline), 0);
  const bounds: readonly Bound[] = [
    {
      what: "executors",
      // Every task once, once more as a backup; and a driver's message that comes again starts what gave no sign of life.
      most: 2 * sum(({ starts }) => starts) + disturbances * partitions * (scenario.habits.maxReceives + 1),
      found: ledger.starts.length,
    },
    {
      what: "operations",
      most:
        4 * sum((baseline) => baseline.steps) +
        looksIn(jobs, tookMs) * (15 + 6 * partitions) +
        disturbances * (60 + 40 * partitions),
      found: steps,
    },
    {
      what: "seconds until nothing happens",
      most: 1_200 + 2 * latenessOf(history) + struggleOf(history) + disturbances * (900 + longestTimeoutOf(jobs)),
      found: tookMs / 1000,
    },
    ...jobs.map((job) => ({
      what: "seconds until the end",
      most: patienceWith(history, job),
      found: secondsUntilEnd(history, job),
    })),
  ];
  return bounds.flatMap(({ what, most, found }) => {
    if (found <= most) return [];
    return [
      { rule: "costs-are-bounded", message: `${Math.round(found)} ${what}, where ${Math.round(most)} are enough` },
    ];
  });
}

interface Bound {
  readonly what: string;
  readonly most: number;
  readonly found: number;
}

/** What went wrong, each attempt of a poisoned task included. */
function disturbancesOf({ injected, jobs, scenario }: History): number {
  const poisoned = jobs.filter(({ plan }) => plan.poison !== undefined);
  const attempts = poisoned.reduce((sum, { plan }) => sum + plan.limits.maxAttempts, 0);
  return injected.length + attempts + scenario.crashesAfterMs.length;
}

/**
 * What a job may take to its end: what it takes in fair weather, and for each disturbance as long as it may stay unnoticed. The death of an
 * executor that has given a sign of life is noticed when it has been silent for too long.
 */
function patienceWith(history: History, { plan, spec }: JobHistory): number {
  const { injected, scenario, ledger } = history;
  const { taskTimeoutSeconds, heartbeatTimeoutSeconds, maxAttempts } = plan.limits;
  const hasSigned = (who: string): boolean =>
    ledger.writes.some((write) => write.who === who && write.key.includes("/progress/"));
  const perFault = injected.reduce((sum, { kind, who }) => {
    const isSilence = (kind === "dies-before" || kind === "dies-after") && who.startsWith(spec.job) && hasSigned(who);
    return sum + (isSilence ? 2 * heartbeatTimeoutSeconds + 60 : taskTimeoutSeconds + 900);
  }, 0);
  const poisoned = plan.poison === undefined ? 0 : maxAttempts * (taskTimeoutSeconds + 60);
  return (
    150 + perFault + poisoned + 2 * latenessOf(history) + scenario.crashesAfterMs.length * (taskTimeoutSeconds + 900)
  );
}

function secondsUntilEnd({ ledger }: History, { spec }: JobHistory): number {
  return ((ledger.createdAt(keys.result(spec.job)) ?? startAt) - startAt) / 1000;
}

/** A job is looked at when an executor might have become silent. */
function looksIn(jobs: readonly JobHistory[], tookMs: number): number {
  return jobs.reduce((sum, { plan }) => sum + tookMs / 1000 / plan.limits.heartbeatTimeoutSeconds + 10, 0);
}

function longestTimeoutOf(jobs: readonly JobHistory[]): number {
  return Math.max(...jobs.map(({ plan }) => plan.limits.taskTimeoutSeconds));
}

/** In seconds. */
function latenessOf({ injected }: History): number {
  return injected.reduce((sum, { kind, amount }) => sum + (late.has(kind) ? Math.abs(amount) : 0), 0) / 1000;
}

/** A frozen straggler is ended by nobody: it works on at its own pace. In seconds. */
function struggleOf({ injected, scenario }: History): number {
  const workMs = mostBatches * scenario.habits.batchMs;
  return injected.reduce((sum, { kind, amount }) => sum + (kind === "straggles" ? amount * workMs : 0), 0) / 1000;
}

/** Of one task of the shapes that there are. */
const mostBatches = 16;

const late: ReadonlySet<string> = new Set(["slow", "answered-late", "freezes", "delayed", "jumps"]);
