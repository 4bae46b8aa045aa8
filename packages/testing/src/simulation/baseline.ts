import {
  decodeTensorRecordHeader,
  keys,
  parseJobId,
  RoundRecord,
  type JobId,
  type JobResult,
  type MetricStates,
} from "@stampede/core";
import type { Ledger } from "./ledger.js";
import { contentOf } from "./outputs.js";
import type { Habits } from "./world.js";
import { simulate, type History } from "./simulation.js";
import type { JobLimits, JobShape } from "./shapes.js";
import { fairWeather } from "./weather.js";

/** What an undisturbed run of a shape ends in. */
export interface Baseline {
  readonly result: JobResult;
  /** Of rounds 1, 2, ... in order. */
  readonly rounds: readonly RoundContent[];
  /** What each task's output contains, by its key without the job's folder. */
  readonly outputs: ReadonlyMap<string, string>;
  /** Executors that were started. */
  readonly starts: number;
  /** Operations on ports. */
  readonly steps: number;
}

interface RoundContent {
  readonly weightsSha256: string | undefined;
  readonly metrics: MetricStates;
  readonly validation: MetricStates | undefined;
}

const known = new Map<string, Promise<Baseline>>();

/** Computed once for each shape, by the same code in fair weather. */
export function baselineOf(shape: JobShape): Promise<Baseline> {
  const name = JSON.stringify(shape);
  const found = known.get(name) ?? runUndisturbed(shape);
  known.set(name, found);
  return found;
}

const limits: JobLimits = {
  maxAttempts: 1,
  backups: false,
  taskTimeoutSeconds: 900,
  heartbeatTimeoutSeconds: 60,
  jobTimeoutSeconds: undefined,
  quorum: 1,
  graceSeconds: 60,
  lateDeltas: "discard",
  slices: 1,
  parts: 1,
  checkpointSeconds: 300,
};

const habits: Habits = {
  warmth: 0,
  silence: 0,
  latencyMs: [1, 3],
  pageSize: 1000,
  batchSize: 10,
  concurrency: 10,
  visibilityMs: 90_000,
  maxReceives: 5,
  sweepMs: 300_000,
  residentBytes: 0,
  batchMs: 1,
  invocationMs: undefined,
};

async function runUndisturbed(shape: JobShape): Promise<Baseline> {
  const history = await inFairWeather(shape, limits, habits);
  const [job] = history.jobs;
  if (job?.result?.status !== "succeeded") {
    throw new Error(`An undisturbed job did not succeed: ${JSON.stringify(job?.result)} of ${JSON.stringify(shape)}`);
  }
  const folder = keys.job(job.spec.job);
  return {
    result: job.result,
    rounds: roundsIn(history.ledger, job.spec.job).map(contentOfRound),
    outputs: new Map(outputsIn(history, folder)),
    starts: history.ledger.starts.length,
    steps: history.steps,
  };
}

function* outputsIn({ ledger }: History, folder: string): Generator<[string, string]> {
  for (const { key, body, kind } of ledger.writes) {
    if (kind !== "delete" && isOutput(key)) yield [key.slice(folder.length), contentOf(key, body)];
  }
}

/** Whether a task has committed this object. */
export function isOutput(key: string): boolean {
  return /\/(deltas\/\d+|evaluations|predictions)\/\d+\.\w+$/.test(key);
}

/** Whether a train task keeps work in this object that is not finished. */
export function isCheckpoint(key: string): boolean {
  return /\/checkpoints\/\d+-\d+\.safetensors$/.test(key);
}

const checkpoints = new Map<string, Promise<ReadonlyMap<string, string>>>();

/** What the checkpoints of a shape's tasks contain after each of their batches but the last, by key without the job's folder. */
export function checkpointsOf(shape: JobShape): Promise<ReadonlyMap<string, string>> {
  const name = JSON.stringify(shape);
  const found = checkpoints.get(name) ?? keepEverything(shape);
  checkpoints.set(name, found);
  return found;
}

async function keepEverything(shape: JobShape): Promise<ReadonlyMap<string, string>> {
  // Batches take so long that each is a piece of its own.
  const history = await inFairWeather(shape, { ...limits, checkpointSeconds: 0.001 }, { ...habits, batchMs: 1_000 });
  const folder = keys.job(parseJobId("job-1"));
  const kept = history.ledger.writes.filter(({ key }) => isCheckpoint(key));
  return new Map(kept.map(({ key, body }) => [key.slice(folder.length), contentOf(key, body)]));
}

function inFairWeather(shape: JobShape, own: JobLimits, platform: Habits): Promise<History> {
  const plan = { shape, limits: own, poison: undefined, cancelAfterMs: undefined };
  return simulate({ seed: 0, jobs: [plan], habits: platform, weather: fairWeather, crashesAfterMs: [] });
}

/** The records of the committed rounds of a job, but for the one before the first, in order. */
export function roundsIn({ writes }: Ledger, job: JobId): readonly RoundRecord[] {
  const prefix = keys.rounds(job);
  return writes
    .filter(({ key, kind }) => kind === "create" && key.startsWith(prefix) && key.endsWith("/weights.safetensors"))
    .map(({ key, body }) => decodeTensorRecordHeader(RoundRecord, body, key))
    .filter(({ round }) => round > 0)
    .toSorted((a, b) => a.round - b.round);
}

function contentOfRound({ weightsSha256, metrics, validation }: RoundRecord): RoundContent {
  return { weightsSha256, metrics, validation };
}
