import {
  blocksIn,
  bytesOf,
  keys,
  tensorOf,
  type GroupPlan,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
  type TensorLayout,
} from "@stampede/core";
import type { ParameterServerDeps } from "../../deps.js";
import { inOrder } from "../../in-order.js";
import { layoutOf } from "../../remembered.js";
import { refuseTooLong } from "../round-sum.js";
import { contributionOf, lowerMedian } from "../round-summary.js";
import { FirstLook, incompatible, isSame, readDeltaHeader, type DeltaHeader } from "./delta-header.js";
import { blocksName } from "./group-plan.js";

/** Headers are small: what counts is that each answer takes its time. */
const readsAtOnce = 64;
const noTensors: NamedTensors = new Map();

export interface MadePlan {
  readonly record: GroupPlan;
  readonly tensors: NamedTensors;
}

/**
 * What the sums of groups are made of: one small read of each delta.
 * @param groups partitions whose deltas count, all of them committed, by group; all groups where deltas are shortened
 * @throws DamagedDelta
 * @throws StampedeError `store.*`, `training.*`
 */
export async function makeGroupPlans(
  spec: JobSpec,
  round: number,
  groups: ReadonlyMap<number, readonly number[]>,
  { store, unique }: Pick<ParameterServerDeps, "store" | "unique">,
): Promise<readonly MadePlan[]> {
  const weights = await layoutOf(store, spec.job);
  const headers = await headersOf(spec, round, [...groups.values()].flat(), weights, store);
  const longest = longestOf(spec, [...headers.values()]);
  return [...groups].map(([group, members]) => {
    const own = members.flatMap((partition) => headers.get(partition) ?? []);
    const optimizer = averagedState(spec, round, own);
    const records = own.map(({ record }) => record);
    const record: GroupPlan = {
      version: 1,
      job: spec.job,
      round,
      group,
      token: unique.hex(16),
      weights: weights.map(asRecord),
      optimizer: optimizer.map(asRecord),
      sources: own.map((header) => sourceOf(header, longest, optimizer.length > 0)),
      contributions: records.map(contributionOf),
      validations: records.flatMap(({ validation }) => (validation === undefined ? [] : [validation])),
    };
    return { record, tensors: blocksOf(own, bytesOf(weights) + bytesOf(optimizer)) };
  });
}

async function headersOf(
  spec: JobSpec,
  round: number,
  members: readonly number[],
  weights: readonly TensorLayout[],
  store: ObjectStore,
): Promise<ReadonlyMap<number, DeltaHeader>> {
  const look = new FirstLook();
  const headers = new Map<number, DeltaHeader>();
  const reading = (partition: number): Promise<DeltaHeader> =>
    readDeltaHeader(spec, round, partition, weights, store, look);
  for await (const header of inOrder(members, readsAtOnce, reading)) {
    refuseTooLong(spec, header.record);
    headers.set(header.record.partition, header);
  }
  return headers;
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
): GroupPlan["sources"][number] {
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

/** @param bytes of which parts are made, at the beginning of each delta's data. None where a delta has none: it is small, and read whole. */
function blocksOf(headers: readonly DeltaHeader[], bytes: number): NamedTensors {
  const sums = headers.flatMap(({ blockSums }) => (blockSums === undefined ? [] : [blockSums]));
  if (headers.length === 0 || sums.length < headers.length) return noTensors;
  const width = blocksIn(bytes);
  const data = new Int32Array(headers.length * width);
  for (const [row, own] of sums.entries()) data.set(own.subarray(0, width), row * width);
  return new Map([[blocksName, tensorOf(data, [headers.length, width])]]);
}

function asRecord({ name, dtype, shape }: TensorLayout): GroupPlan["weights"][number] {
  return { name, dtype, shape: [...shape] };
}
