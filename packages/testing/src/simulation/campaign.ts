import { setImmediate } from "node:timers/promises";
import { judge } from "./judge.js";
import type { Violation } from "./invariants/violation.js";
import { mix } from "./random.js";
import { scenarioOf } from "./scenario.js";
import type { History } from "./simulation.js";

/** A seed that breaks a promise. */
export interface FailedSeed {
  readonly seed: number;
  readonly violations: readonly Violation[];
}

/** What many histories came to. Plain data, which crosses processes. */
export interface Summary {
  seeds: number;
  jobs: number;
  steps: number;
  readonly faults: Record<string, number>;
  readonly outcomes: Record<string, number>;
  slowest: { seed: number; tookMs: number };
  readonly failed: FailedSeed[];
  /** Equal for two campaigns in which the same happened, in whatever order they ran. */
  fingerprint: number;
}

export function emptySummary(): Summary {
  return {
    seeds: 0,
    jobs: 0,
    steps: 0,
    faults: {},
    outcomes: {},
    slowest: { seed: 0, tookMs: 0 },
    failed: [],
    fingerprint: 0,
  };
}

export interface CampaignOptions {
  readonly from: number;
  readonly seeds: number;
  /** Called now and then. */
  readonly onProgress?: (summary: Summary) => void;
  /** Stops when so many seeds have failed. @default 20 */
  readonly maxFailed?: number;
}

const progressEvery = 100;

/** Plays one seed after the other. */
export async function campaign({ from, seeds, onProgress, maxFailed = 20 }: CampaignOptions): Promise<Summary> {
  const summary = emptySummary();
  for (let seed = from; seed < from + seeds && summary.failed.length < maxFailed; seed += 1) {
    const { history, violations } = await judge(scenarioOf(seed));
    count(summary, seed, history);
    if (violations.length > 0) summary.failed.push({ seed, violations });
    if (summary.seeds % progressEvery !== 0) continue;
    onProgress?.(summary);
    // Whoever waits for anything else has its turn.
    await setImmediate();
  }
  return summary;
}

function count(summary: Summary, seed: number, { jobs, injected, steps, tookMs, fingerprint }: History): void {
  summary.seeds += 1;
  summary.jobs += jobs.length;
  summary.steps += steps;
  for (const { kind } of injected) add(summary.faults, kind, 1);
  for (const { isStored, result } of jobs) {
    const name = result === undefined ? (isStored ? "unfinished" : "never stored") : result.status;
    add(summary.outcomes, result?.error === undefined ? name : result.error.code, 1);
  }
  if (tookMs > summary.slowest.tookMs) summary.slowest = { seed, tookMs };
  summary.fingerprint = (summary.fingerprint ^ mix(fingerprint, seed)) >>> 0;
}

function add(counts: Record<string, number>, name: string, value: number): void {
  counts[name] = (counts[name] ?? 0) + value;
}

/** Two summaries as one. */
export function merged(a: Summary, b: Summary): Summary {
  const both: Summary = {
    seeds: a.seeds + b.seeds,
    jobs: a.jobs + b.jobs,
    steps: a.steps + b.steps,
    faults: { ...a.faults },
    outcomes: { ...a.outcomes },
    slowest: a.slowest.tookMs >= b.slowest.tookMs ? a.slowest : b.slowest,
    failed: [...a.failed, ...b.failed].toSorted((one, other) => one.seed - other.seed),
    fingerprint: (a.fingerprint ^ b.fingerprint) >>> 0,
  };
  for (const [name, value] of Object.entries(b.faults)) add(both.faults, name, value);
  for (const [name, value] of Object.entries(b.outcomes)) add(both.outcomes, name, value);
  return both;
}
