import { groupsIn, roundsOf, workOf } from "@stampede/core";
import { below, keyOf, logUniform, mix, pick, unit } from "./random.js";
import { largeShapes, planOf, shapeCount, shapeOf, type JobLimits, type JobShape, type Poison } from "./shapes.js";
import { fairWeather, simulatedKinds, type SimulatedKind, type Weather } from "./weather.js";
import type { Habits } from "./world.js";

/** One job of a history. */
export interface JobPlan {
  readonly shape: JobShape;
  readonly limits: JobLimits;
  readonly poison: Poison | undefined;
  /** When somebody cancels it, in ms after its submission. */
  readonly cancelAfterMs: number | undefined;
}

/** All that a history follows from. */
export interface Scenario {
  readonly seed: number;
  readonly jobs: readonly JobPlan[];
  readonly habits: Habits;
  readonly weather: Weather;
  /** When everything that lives in memory is gone, in ms after the beginning; the jobs are resumed a while later. */
  readonly crashesAfterMs: readonly number[];
}

/** The scenario of a seed. */
export function scenarioOf(seed: number): Scenario {
  const key = keyOf(seed >>> 0, "scenario");
  const draw = (name: string): number => keyOf(key, name);
  const jobs = unit(draw("jobs")) < 0.05 ? 2 : 1;
  const crashes = unit(draw("crashes")) < 0.12 ? 1 + below(2, draw("crash count")) : 0;
  const habits = habitsOf(draw("habits"));
  const isShort = habits.invocationMs !== undefined;
  return {
    seed,
    jobs: Array.from({ length: jobs }, (_, job) => jobOf(mix(draw("job"), job), isShort)),
    habits,
    weather: weatherOf(draw("weather")),
    crashesAfterMs: Array.from({ length: crashes }, (_, n) => logUniform(100, 30_000, mix(draw("crash"), n))),
  };
}

/** @param isShort invocations are: of three shapes the one with the longest tasks is taken, for in others nothing is cut */
function jobOf(key: number, isShort: boolean): JobPlan {
  const draw = (name: string): number => keyOf(key, name);
  const shapes = [1, 2, 3].map((n) => shapeOf(shapeIndex(mix(draw("shape"), n))));
  const [first = shapeOf(0), ...others] = shapes;
  const shape = isShort
    ? others.reduce((long, each) => (batchesIn(each) > batchesIn(long) ? each : long), first)
    : first;
  const limits = limitsOf(shape, draw("limits"));
  return {
    shape,
    limits,
    poison: limits.quorum === 1 && unit(draw("poison")) < 0.04 ? poisonOf(shape, draw("poisoned")) : undefined,
    cancelAfterMs: unit(draw("cancel")) < 0.05 ? logUniform(50, 30_000, draw("cancelled")) : undefined,
  };
}

const largeShare = 0.002;

function shapeIndex(key: number): number {
  return unit(mix(key, 1)) < largeShare ? pick(largeShapes, mix(key, 2)) : below(shapeCount, key);
}

/** Batches of the longest task of the first round. */
function batchesIn(shape: JobShape): number {
  if (shape.kind !== "train") return 0;
  const plan = planOf(shape);
  const batches = shape.partitionRows.map((_, partition) =>
    workOf(plan, 1, partition).reduce((sum, { fromBatch, toBatch }) => sum + toBatch - fromBatch, 0),
  );
  return Math.max(...batches);
}

function limitsOf(shape: JobShape, key: number): JobLimits {
  const draw = (name: string): number => keyOf(key, name);
  const mayClose = shape.kind === "train" && shape.partitionRows.length > 1 && shape.clip === undefined;
  const hasQuorum = mayClose && unit(draw("quorum")) < 0.3;
  return {
    maxAttempts: pick([1, 2, 3, 3, 3, 5], draw("attempts")),
    backups: unit(draw("backups")) < 0.7,
    taskTimeoutSeconds: pick([60, 60, 120, 600], draw("timeout")),
    heartbeatTimeoutSeconds: pick([20, 60, 60], draw("heartbeat")),
    jobTimeoutSeconds: unit(draw("job")) < 0.1 ? pick([60, 600, 3600], draw("job timeout")) : undefined,
    quorum: hasQuorum ? pick([0.3, 0.5, 0.7], draw("share")) : 1,
    graceSeconds: pick([0, 1, 60], draw("grace")),
    lateDeltas: pick(["discard", "merge"], draw("late")),
    ...(shape.kind === "train" && unit(draw("sliced")) < slicedShare(shape)
      ? pick(slicings, draw("slices"))
      : { slices: 1, parts: 1 }),
    checkpointSeconds: pick([0.01, 4, 300], draw("checkpoints")),
  };
}

function poisonOf(shape: JobShape, key: number): Poison {
  const kinds = shape.kind === "train" ? trainPoisons : poisons;
  return {
    partition: below(shape.partitionRows.length, mix(key, 1)),
    fromRound: shape.kind === "train" ? 1 + below(roundsOf(planOf(shape)), mix(key, 2)) : 0,
    kind: pick(kinds, mix(key, 3)),
  };
}

/** Large ones are there for that. */
function slicedShare({ partitionRows }: JobShape): number {
  return groupsIn(partitionRows.length) > 1 ? 0.75 : 0.25;
}

const slicings: readonly [Pick<JobLimits, "slices" | "parts">, ...Pick<JobLimits, "slices" | "parts">[]] = [
  { slices: 1, parts: 2 },
  { slices: 2, parts: 2 },
  { slices: 2, parts: 4 },
  { slices: 3, parts: 3 },
];
const poisons = ["fails", "out-of-memory", "dies-before"] as const;
const trainPoisons = [...poisons, "not-finite"] as const;

function habitsOf(key: number): Habits {
  const draw = (name: string): number => keyOf(key, name);
  return {
    warmth: pick([0, 0.9, 0.9, 1], draw("warmth")),
    silence: pick([0, 0.3, 1], draw("silence")),
    pageSize: pick([2, 1000, 1000], draw("page")),
    batchSize: pick([1, 3, 10], draw("batch")),
    concurrency: pick([1, 2, 10], draw("concurrency")),
    visibilityMs: 90_000,
    maxReceives: pick([3, 5], draw("receives")),
    sweepMs: pick([120_000, 300_000], draw("sweep")),
    residentBytes: pick([0, 1_000_000, 1_000_000], draw("resident")),
    ...paceOf(key),
  };
}

/**
 * How long an engine works at a batch, and what an invocation may last. The shortest ones end after one batch, in fair weather: 500 ms and
 * more are kept back for what has to be saved, and before it begins a task waits for the store a dozen times, seldom for long.
 */
function paceOf(key: number): Pick<Habits, "batchMs" | "latencyMs" | "invocationMs"> {
  const draw = (name: string): number => keyOf(key, name);
  const latencyMs = pick(latencies, draw("latency"));
  const isShort = latencyMs[1] <= 100 && unit(draw("short")) < 0.4;
  if (!isShort) return { latencyMs, batchMs: pick([20, 20, 20, 3_000], draw("batch ms")), invocationMs: undefined };
  const batchMs = pick([150, 600, 3_000], draw("batch ms"));
  const leastMs = 10 * latencyMs[1] + 750 + Math.max(batchMs, 250);
  return { latencyMs, batchMs, invocationMs: leastMs + pick([0, 0, 1, 2], draw("batches")) * batchMs };
}

type Range = readonly [number, number];

const latencies: readonly [Range, ...Range[]] = [
  [1, 3],
  [0.5, 100],
  [1, 1000],
];

/** Each history knows only some kinds of faults: where everything happens at once, much hides behind something else. */
function weatherOf(key: number): Weather {
  const draw = (name: string): number => keyOf(key, name);
  if (unit(draw("fair")) < 0.05) return fairWeather;
  return {
    rate: pick([0.005, 0.02, 0.05, 0.15], draw("rate")),
    budget: pick([1, 2, 3, 5, 8, 15, 30], draw("budget")),
    kinds: new Set(unit(draw("themed")) < 0.4 ? themeOf(draw("theme")) : mixtureOf(draw("mixture"))),
    lateness: pick(latenesses, draw("lateness")),
    spareClients: unit(draw("clients")) < 0.8,
  };
}

/** A few kinds that belong together, or two such groups: what takes several of one kind is rare in a mixture. */
function themeOf(key: number): readonly SimulatedKind[] {
  const others = unit(mix(key, 1)) < 0.5 ? pick(themes, mix(key, 2)) : [];
  return [...pick(themes, mix(key, 3)), ...others];
}

const themes: readonly [readonly SimulatedKind[], ...(readonly SimulatedKind[])[]] = [
  ["dies-before", "dies-after"],
  ["unanswered", "conflict-with-itself"],
  ["refused", "clashed"],
  ["truncated", "bit-flipped"],
  ["decays"],
  ["lost", "doubled", "delayed", "reordered", "expires-early"],
  ["slow", "answered-late", "freezes"],
  ["straggles"],
  ["jumps"],
  ["fails", "out-of-memory", "not-finite"],
];

function mixtureOf(key: number): readonly SimulatedKind[] {
  const share = pick([0.1, 0.3, 0.6, 1], keyOf(key, "share"));
  return simulatedKinds.filter((kind) => unit(keyOf(key, kind)) < share);
}

const latenesses: readonly [Range, ...Range[]] = [
  [10, 2_000],
  [1_000, 60_000],
  [10, 1_800_000],
];
