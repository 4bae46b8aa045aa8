import type { JobId, JobSpec, NamedTensors, ObjectStore, TensorLayout } from "@stampede/core";
import { readSpec } from "./store/job-store.js";
import { readLayout } from "./store/round-store.js";
import type { RoundSum } from "./parameter-server/round-sum.js";
import { RoundSight } from "./parameter-server/sight.js";

/**
 * What a function that stays warm remembers of a store: only what never changes once it is there, so that it is never out of
 * date. A function that was started a moment ago remembers nothing and reads it again.
 */
interface Memory {
  /** Of the last few jobs. */
  readonly specs: Map<JobId, JobSpec>;
  /** What the weights of the last few jobs are like. */
  readonly layouts: Map<JobId, readonly TensorLayout[]>;
  /** The weights that this parameter server committed last: the next round begins with them. */
  weights: { readonly job: JobId; readonly round: number; readonly tensors: NamedTensors } | undefined;
  /** What has been added up of the round whose deltas came in last. */
  sum: RoundSum | undefined;
  /** What is known of the last few rounds that hints spoke of, by job and round. */
  readonly sights: Map<string, RoundSight>;
  /** The last round of each job that this parameter server has told the driver of. */
  readonly told: Map<JobId, number>;
}

const memories = new WeakMap<ObjectStore, Memory>();
/** Jobs, and rounds of jobs. */
const maxKept = 8;

function memoryOf(store: ObjectStore): Memory {
  const memory = memories.get(store) ?? {
    specs: new Map(),
    layouts: new Map(),
    weights: undefined,
    sum: undefined,
    sights: new Map(),
    told: new Map(),
  };
  memories.set(store, memory);
  return memory;
}

/** The spec of a job: every wake-up needs it, and it is read and checked once. */
export async function specOf(store: ObjectStore, job: JobId): Promise<JobSpec> {
  const { specs } = memoryOf(store);
  const known = specs.get(job) ?? (await readSpec(store, job));
  keepLatest(specs, job, known);
  return known;
}

export async function layoutOf(store: ObjectStore, job: JobId): Promise<readonly TensorLayout[]> {
  const { layouts } = memoryOf(store);
  const known = layouts.get(job) ?? (await readLayout(store, job));
  keepLatest(layouts, job, known);
  return known;
}

function keepLatest<K, T>(known: Map<K, T>, name: K, value: T): void {
  known.delete(name);
  known.set(name, value);
  const [oldest] = known.keys();
  if (known.size > maxKept && oldest !== undefined) known.delete(oldest);
}

export function sightOf(store: ObjectStore, job: JobId, round: number): RoundSight {
  const { sights } = memoryOf(store);
  const name = `${job}/${round}`;
  const known = sights.get(name) ?? new RoundSight(job, round);
  keepLatest(sights, name, known);
  return known;
}

export function rememberTold(store: ObjectStore, job: JobId, round: number): void {
  const { told, sights } = memoryOf(store);
  keepLatest(told, job, round);
  sights.delete(`${job}/${round}`);
}

export function wasTold(store: ObjectStore, job: JobId, round: number): boolean {
  return (memories.get(store)?.told.get(job) ?? 0) >= round;
}

export function rememberWeights(store: ObjectStore, job: JobId, round: number, tensors: NamedTensors): void {
  memoryOf(store).weights = { job, round, tensors };
}

export function rememberedWeights(store: ObjectStore, job: JobId, round: number): NamedTensors | undefined {
  const known = memories.get(store)?.weights;
  return known?.job === job && known.round === round ? known.tensors : undefined;
}

export function rememberSum(store: ObjectStore, sum: RoundSum): void {
  memoryOf(store).sum = sum;
}

/** Gives it away: there is never more than one who adds to it. */
export function takeSum(store: ObjectStore): RoundSum | undefined {
  const memory = memoryOf(store);
  const { sum } = memory;
  memory.sum = undefined;
  return sum;
}
