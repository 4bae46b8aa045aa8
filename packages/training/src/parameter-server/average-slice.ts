import {
  cutPieces,
  DeltaMessage,
  encodeMessage,
  encodeTensorRecord,
  hashTensors,
  keys,
  shortenDelta,
  SliceRecord,
  tensorOf,
  viewOf,
  bytesPerElement,
  WeightedMean,
  type JobId,
  type JobSpec,
  type ObjectStore,
  type NamedTensors,
  type Piece,
} from "@stampede/core";
import type { ParameterServerDeps } from "../deps.js";
import { inOrder } from "../in-order.js";
import { specOf } from "../remembered.js";
import { joinNames, joinTensors, splitTensors, type RoundTensors } from "../round-tensors.js";
import { createAny } from "../store/commit.js";
import { exists } from "../store/records.js";
import { readWeights } from "../store/round-store.js";
import { readSlice } from "../store/slices.js";
import { readAheadOf } from "./read-delta.js";
import { readSlicePlan, type ReadPlan } from "./slice-plan.js";
import { SliceSource } from "./slice-source.js";

/** Whether the job goes on. A slice that is there already is told of once more. */
export async function isSliceWanted({ job }: DeltaMessage, store: ObjectStore): Promise<boolean> {
  return !(await exists(store, keys.result(job)));
}

/**
 * Averages one slice of all deltas of a round and commits it. Of each delta it reads one range (two, where the optimizer's state is
 * averaged), some ahead, so that its memory is some slices, however many deltas there are and however large they are.
 * @returns false: the driver has nothing to see before all slices are there
 * @throws DamagedDelta
 * @throws StampedeError `store.*`, `training.*`
 */
export async function averageSlice(
  job: JobId,
  round: number,
  slice: number,
  deps: ParameterServerDeps,
): Promise<false> {
  const { store, queues } = deps;
  const key = keys.slice(job, round, slice);
  if (!(await exists(store, key))) {
    const plan = await readSlicePlan(store, job, round);
    // The job has ended, and nobody needs it any more.
    if (plan === undefined || slice >= plan.record.slices) return false;
    await commitSlice(await specOf(store, job), plan, slice, deps);
  }
  const info = await store.head(key);
  const claim = info && { key, etag: info.etag, bytes: info.bytes };
  const hint = { version: 1, type: "delta", job, round, ...(claim && { claim }) } as const;
  await queues.deltas.send(encodeMessage(DeltaMessage, hint));
  return false;
}

async function commitSlice(
  spec: JobSpec,
  plan: ReadPlan,
  slice: number,
  { store, unique }: ParameterServerDeps,
): Promise<void> {
  const { job, round } = plan.record;
  const source = new SliceSource(spec, plan, slice, store);
  const before = await templateOf(spec, plan, slice, source, store);
  const tensors = joinTensors(await meanOf(source, plan, before));
  const record: SliceRecord = {
    version: 1,
    job,
    round,
    slice,
    attemptId: unique.hex(16),
    sha256: hashTensors(tensors),
    pieces: joinNames(source).map(({ name, shape, from }) => ({ name, shape: [...shape], from })),
  };
  // Whoever averaged the same was first, in the same bits.
  await createAny(store, keys.slice(job, round, slice), encodeTensorRecord(SliceRecord, record, tensors));
}

/** In the order of partitions, as one who averages all of it: each number is the sum of the same numbers in the same order. */
async function meanOf(source: SliceSource, { record }: ReadPlan, before: RoundTensors): Promise<RoundTensors> {
  const weights = new WeightedMean(before.weights);
  const optimizer = new WeightedMean(before.optimizer);
  const counted = [...record.sources.entries()].filter(([, { weight }]) => weight > 0);
  const reading = inOrder(counted, readAheadOf(source.bytes), async ([row, each]) => ({
    each,
    tensors: await source.read(each, row),
  }));
  for await (const { each, tensors } of reading) {
    const { weight, shortenTo } = each;
    const key = source.keyOf(each);
    const own = shortenTo === undefined ? tensors.weights : shortenDelta(before.weights, tensors.weights, shortenTo);
    weights.add(own, weight, key);
    if (each.countsState) optimizer.add(tensors.optimizer, weight, key);
  }
  return { weights: weights.result(), optimizer: optimizer.result() };
}

/**
 * The slice of the weights that the round began with. Its numbers matter where deltas are shortened, and where nobody had an example; else
 * only what its tensors are like.
 */
async function templateOf(
  { job }: JobSpec,
  { record }: ReadPlan,
  slice: number,
  { weights, optimizer }: SliceSource,
  store: ObjectStore,
): Promise<RoundTensors> {
  const { round, sources } = record;
  const isRead =
    sources.some(({ shortenTo }) => shortenTo !== undefined) || sources.every(({ weight }) => weight === 0);
  const state = zeros(optimizer);
  if (!isRead) return { weights: zeros(weights), optimizer: state };
  if (round > 1) {
    return { weights: splitTensors((await readSlice(store, job, round - 1, slice)).tensors).weights, optimizer: state };
  }
  const initial = splitTensors((await readWeights(store, job, 0)).tensors).weights;
  return { weights: cutPieces(initial, weights), optimizer: state };
}

function zeros(pieces: readonly Piece[]): NamedTensors {
  return new Map(
    pieces.map(({ name, dtype, from, to }) => {
      const count = to - from;
      return [name, tensorOf(viewOf(dtype, new ArrayBuffer(count * bytesPerElement[dtype]), 0, count), [count])];
    }),
  );
}
