import {
  blocksIn,
  bytesOf,
  decodeTensorRecordLayout,
  keys,
  RoundRecord,
  slicesIn,
  tensorOf,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
  type SlicePlan,
  type TensorLayout,
} from "@stampede/core";
import type { ParameterServerDeps } from "../deps.js";
import { inOrder } from "../in-order.js";
import { splitNames } from "../round-tensors.js";
import { readHeader } from "../store/headers.js";
import { missing } from "../store/records.js";
import { FirstLook, incompatible, isSame, readDeltaHeader, type DeltaHeader } from "./delta-header.js";
import { refuseTooLong } from "./round-sum.js";
import { lowerMedian, summaryOf } from "./round-summary.js";
import { blocksName } from "./slice-plan.js";

/** Headers are small: what counts is that each answer takes its time. */
const readsAtOnce = 32;
const noTensors: NamedTensors = new Map();

interface MadePlan {
  readonly record: SlicePlan;
  readonly tensors: NamedTensors;
}

/**
 * What the slices of a round are made of: one small read of each delta.
 * @param members partitions whose deltas count, all of them committed
 * @throws DamagedDelta
 * @throws StampedeError `store.*`, `training.*`
 */
export async function makeSlicePlan(
  spec: JobSpec,
  round: number,
  members: readonly number[],
  { store, unique, clock }: ParameterServerDeps,
): Promise<MadePlan> {
  const weights = await layoutOfJob(spec, store);
  const look = new FirstLook();
  const headers: DeltaHeader[] = [];
  const reading = (partition: number): Promise<DeltaHeader> =>
    readDeltaHeader(spec, round, partition, weights, store, look);
  for await (const header of inOrder(members, readsAtOnce, reading)) headers.push(header);
  for (const { record } of headers) refuseTooLong(spec, record);
  const optimizer = averagedState(spec, round, headers);
  const longest = longestOf(spec, headers);
  const records = headers.map(({ record }) => record);
  const plan: SlicePlan = {
    version: 1,
    job: spec.job,
    round,
    token: unique.hex(16),
    madeAt: clock.now(),
    slices: slicesIn(spec),
    weights: weights.map(asRecord),
    optimizer: optimizer.map(asRecord),
    sources: headers.map((header) => sourceOf(header, longest, optimizer.length > 0)),
    ...summaryOf(records, []),
  };
  return { record: plan, tensors: blocksOf(headers, bytesOf(weights) + bytesOf(optimizer)) };
}

/** The weights that the job began with have the names and shapes of all that follow. */
async function layoutOfJob({ job }: JobSpec, store: ObjectStore): Promise<readonly TensorLayout[]> {
  const key = keys.weights(job, 0);
  const read = await readHeader(store, key, (prefix) => decodeTensorRecordLayout(RoundRecord, prefix, key));
  if (read === undefined) throw missing(key);
  return splitNames(read.value.entries).weights;
}

/** The optimizer's state where it is averaged, as the first executor with examples has it: one without never made a step. */
function averagedState(
  { job, training }: JobSpec,
  round: number,
  headers: readonly DeltaHeader[],
): readonly TensorLayout[] {
  if (training.optimizerState !== "averaged") return [];
  const counted = headers.filter(({ record }) => record.examples > 0);
  const state = counted[0]?.optimizer ?? [];
  const misfit = counted.find(({ optimizer }) => !isSame(optimizer, state));
  if (misfit === undefined) return state;
  const key = keys.output(job, { kind: "train", round }, misfit.record.partition);
  throw incompatible(key, state, misfit.optimizer);
}

/** How long a delta may be: follows from all of them. */
function longestOf({ training }: JobSpec, headers: readonly DeltaHeader[]): number {
  const { clip } = training.deltaNorm ?? {};
  return clip === undefined ? Infinity : clip * lowerMedian(headers.map(({ record }) => record.norm ?? 0));
}

function sourceOf(
  { record, etag, dataStart, dataBytes }: DeltaHeader,
  longest: number,
  isAveraged: boolean,
): SlicePlan["sources"][number] {
  const { partition, norm = 0, examples } = record;
  return {
    partition,
    etag,
    dataStart,
    dataBytes,
    weight: examples,
    ...(norm > longest && { shortenTo: longest / norm }),
    countsState: isAveraged && examples > 0,
  };
}

/** @param bytes of which slices are made, at the beginning of each delta's data. None where a delta has none: it is small, and read whole. */
function blocksOf(headers: readonly DeltaHeader[], bytes: number): NamedTensors {
  const sums = headers.flatMap(({ blockSums }) => (blockSums === undefined ? [] : [blockSums]));
  if (sums.length < headers.length) return noTensors;
  const width = blocksIn(bytes);
  const data = new Int32Array(headers.length * width);
  for (const [row, own] of sums.entries()) data.set(own.subarray(0, width), row * width);
  return new Map([[blocksName, tensorOf(data, [headers.length, width])]]);
}

function asRecord({ name, dtype, shape }: TensorLayout): SlicePlan["weights"][number] {
  return { name, dtype, shape: [...shape] };
}
