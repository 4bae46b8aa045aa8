import { groupsIn, keys, roundsOf } from "@stampede/core";
import { baselineOf, isCheckpoint } from "../baseline.js";
import { startAt, type History, type JobHistory } from "../simulation.js";
import { endingsIn } from "./endings.js";
import type { Violation } from "./violation.js";

/**
 * What a disturbance costs is bounded: executors, requests and time are at most those of an undisturbed run, and so much more for each
 * thing that went wrong. The bounds are meant to find what grows without end, not what costs a little too much.
 */
export async function tooMuch(history: History): Promise<readonly Violation[]> {
  const { ledger, jobs, steps, tookMs, scenario } = history;
  const baselines = await Promise.all(jobs.map(({ plan }) => baselineOf(plan.shape)));
  const disturbances = disturbancesOf(history);
  const continued = jobs.reduce((count, job) => count + continuedIn(history, job), 0);
  const kept = ledger.writes.filter(({ key }) => isCheckpoint(key)).length;
  const partitions = jobs.reduce((sum, { spec }) => sum + spec.partitions, 0);
  const sum = (value: (baseline: (typeof baselines)[number]) => number): number =>
    baselines.reduce((total, baseline) => total + value(baseline), 0);
  const bounds: readonly Bound[] = [
    {
      what: "executors",
      // Every task once, once more as a backup; and a driver's message that comes again starts what gave no sign of life.
      most: 2 * sum(({ starts }) => starts) + continued + disturbances * partitions * (scenario.habits.maxReceives + 1),
      found: ledger.starts.length,
    },
    {
      what: "operations",
      most:
        4 * sum((baseline) => baseline.steps) +
        looksIn(jobs, tookMs) * (15 + 6 * partitions) +
        continued * (60 + 10 * partitions) +
        3 * kept +
        jobs.reduce((total, job) => total + slicingOf(job), 0) +
        disturbances * (60 + 40 * partitions),
      found: steps,
    },
    {
      what: "seconds until nothing happens",
      most:
        1_200 +
        2 * latenessOf(history) +
        struggleOf(history) +
        continued * secondsToContinue(history) +
        disturbances * (900 + longestTimeoutOf(jobs)),
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

/** What it costs to share the rounds of a job out to several functions. */
function slicingOf({ spec }: JobHistory): number {
  const { slices = 1, parts = slices, partitions } = spec;
  const groups = groupsIn(partitions);
  return parts === 1 ? 0 : roundsOf(spec) * (40 * groups + parts * (30 * groups + 4 * partitions));
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
    150 +
    continuedIn(history, { spec }) * secondsToContinue(history) +
    perFault +
    poisoned +
    2 * latenessOf(history) +
    scenario.crashesAfterMs.length * (taskTimeoutSeconds + 900)
  );
}

/** Attempts that left a checkpoint to go on from. */
function continuedIn({ ledger }: History, { spec }: Pick<JobHistory, "spec">): number {
  return endingsIn(ledger, spec.job).filter(({ continuesAt }) => continuesAt !== undefined).length;
}

/** Until the next attempt has come as far: its message, its start, what it loads, and an invocation's time. */
function secondsToContinue({ scenario }: History): number {
  return 10 + (scenario.habits.invocationMs ?? 60_000) / 1000;
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
