import {
  decodeTensorRecord,
  deltaNorm,
  DeltaRecord,
  deriveKey,
  encodeTensorRecord,
  keys,
  mergeMetrics,
  permutation,
  readObject,
  resolveMetrics,
  workOf,
  type EngineSession,
  type EpochSlice,
  type MetricStates,
  type NamedTensors,
  type PartitionData,
  type TrainOutcome,
} from "@stampede/core";
import { evaluateAll } from "./evaluate-task.js";
import { missing } from "../store/records.js";
import { readWeights } from "../store/round-store.js";
import { nonFinite, tooLong, withPlace } from "./refusals.js";
import { commitOutput } from "./output.js";
import { joinTensors, splitTensors } from "../round-tensors.js";
import { inPieces, type TaskContext } from "./task-context.js";

/** Pull the weights of the round before, train this partition's share, commit the delta. */
export async function runTrainTask(context: TaskContext): Promise<void> {
  const { task, spec, existing, heartbeat, deps, residents } = context;
  const { job, stage, partition, attempt, attemptId } = task;
  const base = splitTensors((await readWeights(deps.store, job, stage.round - 1)).tensors);
  const data = await residents.partition(spec.dataset, partition);
  const session = await residents.session(spec);

  const began = deps.clock.now();
  await session.load(base.weights, await optimizerState(context, base.optimizer));
  const validation = await validateBase(context, session);
  const trained = await trainSlices(context, session, data);
  const computeMs = Math.max(0, deps.clock.now() - began);

  const saved = await session.save();
  const norm = normOf(context, base.weights, saved.weights);
  const record: DeltaRecord = {
    version: 1,
    job,
    round: stage.round,
    partition,
    attempt,
    attemptId,
    codec: "none",
    ...trained,
    computeMs,
    tookMs: Math.max(0, deps.clock.now() - task.startedAt),
    norm,
    ...(heartbeat.memoryBytes !== undefined && { memoryBytes: heartbeat.memoryBytes }),
    ...(validation && { validation }),
  };
  const optimizer = spec.training.optimizerState === "reset" ? noTensors : saved.optimizer;
  const body = encodeTensorRecord(DeltaRecord, record, joinTensors({ ...saved, optimizer }));
  await commitOutput(task, existing, body, deps.store);
  if (spec.training.optimizerState === "carried" && !task.frugal) {
    residents.carry(job, stage.round, partition, optimizer);
  }
  const { examples, metrics } = trained;
  const told = resolveMetrics(metrics);
  deps.events.emit({ event: "task.finished", job, stage, partition, attempt, examples, metrics: told, computeMs });
}

const noTensors: NamedTensors = new Map();

interface Trained {
  readonly examples: number;
  readonly batches: number;
  readonly metrics: MetricStates;
}

async function trainSlices(context: TaskContext, session: EngineSession, data: PartitionData): Promise<Trained> {
  const { task, spec } = context;
  const slices = workOf(spec, task.stage.round, task.partition);
  const total = slices.reduce((sum, slice) => sum + examplesIn(slice, data.rows, spec.training.batchSize), 0);
  const progress = new Progress(context, total);
  for (const slice of slices) await trainSlice(context, session, data, slice, progress);
  return progress.sum();
}

async function trainSlice(
  context: TaskContext,
  session: EngineSession,
  data: PartitionData,
  { epoch, fromBatch, toBatch }: EpochSlice,
  progress: Progress,
): Promise<void> {
  const { task, spec } = context;
  const { seed, shuffle, batchSize } = spec.training;
  const { partition } = task;
  const orderKey = deriveKey(seed, "order", epoch, partition);
  const order = shuffle ? permutation(data.rows, orderKey) : Uint32Array.from({ length: data.rows }, (_, row) => row);
  const randomKey = deriveKey(seed, "noise", epoch, partition);
  await inPieces(context, toBatch - fromBatch, { of: "batches", multipleOf: 1 }, async (from, to) => {
    const batches = { fromBatch: fromBatch + from, toBatch: fromBatch + to };
    const request = { data, order, batchSize, ...batches, randomKey };
    const outcome = await withPlace(context, () => session.train(request));
    progress.add(outcome);
    context.heartbeat.add(outcome.examples);
  });
}

/** Adds up what was trained, and tells it. */
class Progress {
  readonly #context: TaskContext;
  readonly #total: number;
  readonly #began: number;
  #examples = 0;
  #batches = 0;
  #metrics: MetricStates = {};

  constructor(context: TaskContext, total: number) {
    this.#context = context;
    this.#total = total;
    this.#began = context.deps.clock.now();
  }

  add({ examples, batches }: TrainOutcome): void {
    const { task, deps } = this.#context;
    const { job, stage, partition, attempt } = task;
    this.#batches += batches.length;
    this.#examples += examples;
    this.#metrics = mergeMetrics([this.#metrics, ...batches]);
    const elapsedMs = Math.max(1, deps.clock.now() - this.#began);
    deps.events.emit({
      event: "task.progress",
      job,
      stage,
      partition,
      attempt,
      examples: this.#examples,
      totalExamples: this.#total,
      metrics: resolveMetrics(this.#metrics),
      examplesPerSecond: (this.#examples * 1000) / elapsedMs,
    });
  }

  sum(): Trained {
    return { examples: this.#examples, batches: this.#batches, metrics: this.#metrics };
  }
}

/** The state that the optimizer goes on with, by `training.optimizerState`; undefined for a fresh one. */
async function optimizerState(context: TaskContext, averaged: NamedTensors): Promise<NamedTensors | undefined> {
  const { task, spec, residents } = context;
  const { job, stage, partition } = task;
  if (stage.round === 1 || spec.training.optimizerState === "reset") return undefined;
  if (spec.training.optimizerState === "averaged") return orFresh(averaged);
  const carried = residents.takeCarried(job, stage.round - 1, partition);
  if (carried !== undefined) return orFresh(carried);
  return orFresh(await committedState(context));
}

/**
 * What the executor of this partition had committed last: in the round before, unless that ended without it (`training.quorum`).
 * Then it is what it had committed before that, or nothing yet.
 */
async function committedState({ task, spec, deps }: TaskContext): Promise<NamedTensors> {
  const { job, stage, partition } = task;
  for (let round = stage.round - 1; round > 0; round -= 1) {
    const key = keys.output(job, { kind: "train", round }, partition);
    const read = await readObject(deps.store, key, (body) => decodeTensorRecord(DeltaRecord, body, key));
    if (read !== undefined) return splitTensors(read.value.tensors).optimizer;
    if (spec.training.quorum === 1) throw missing(key);
  }
  return noTensors;
}

/** An executor that has not made a step yet has no state to go on with. */
function orFresh(state: NamedTensors): NamedTensors | undefined {
  return state.size === 0 ? undefined : state;
}

/** Evaluates the weights that the round begins with. Round 1 begins with untrained ones: nobody asks for those. */
async function validateBase(context: TaskContext, session: EngineSession): Promise<MetricStates | undefined> {
  const { task, spec, residents } = context;
  if (spec.validation === undefined || task.stage.round === 1) return undefined;
  const data = await residents.partition(spec.validation, task.partition);
  return evaluateAll(context, session, data);
}

/** The length of the delta; not a number, and not infinite, before it is committed. */
function normOf(context: TaskContext, before: NamedTensors, after: NamedTensors): number {
  const norm = deltaNorm(before, after);
  if (!Number.isFinite(norm)) throw nonFinite(context, firstNonFinite(after));
  const { max } = context.spec.training.deltaNorm ?? {};
  if (max !== undefined && norm > max) throw tooLong(context.task, norm, max);
  return norm;
}

function firstNonFinite(weights: NamedTensors): string {
  for (const [name, { data }] of weights) {
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at !== -1) return `weight ${name}[${at}] is ${data[at]}`;
  }
  return "the weights that it began with are not finite";
}

function examplesIn({ fromBatch, toBatch }: EpochSlice, rows: number, batchSize: number): number {
  return Math.min(toBatch * batchSize, rows) - Math.min(fromBatch * batchSize, rows);
}
