import {
  bytesPerElement,
  cutPieces,
  shortenDelta,
  slicingIn,
  tensorOf,
  viewOf,
  WeightedMean,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
  type PartialMean,
  type Piece,
} from "@stampede/core";
import { inOrder } from "../../in-order.js";
import { splitTensors, type RoundTensors } from "../../round-tensors.js";
import { readSlicePieces } from "../../store/slices.js";
import { readWeights } from "../../store/round-store.js";
import { readAheadOf } from "../read-delta.js";
import type { ReadPlan } from "./group-plan.js";
import { PartSource } from "./part-source.js";

/** One part of what a group's deltas come to. */
export interface PartialSum {
  readonly weights: PartialMean;
  readonly optimizer: PartialMean;
  readonly pieces: { readonly weights: readonly Piece[]; readonly optimizer: readonly Piece[] };
}

/**
 * Adds up one part of a group's deltas, in the order of partitions. Of each delta it reads one range (two, where the optimizer's state is
 * averaged), some ahead, so that its memory is some parts, however large the deltas are.
 * @throws DamagedDelta
 * @throws StampedeError `store.*`, `training.*`
 */
export async function sumPart(spec: JobSpec, plan: ReadPlan, part: number, store: ObjectStore): Promise<PartialSum> {
  const source = new PartSource(spec, plan, part, store);
  const { sources } = plan.record;
  const isShortened = sources.some(({ shortenTo }) => shortenTo !== undefined);
  const template = zeros(source.weights);
  const before = isShortened ? await weightsBefore(spec, plan.record.round, part, source.weights, store) : template;
  const weights = new WeightedMean(template);
  const optimizer = new WeightedMean(zeros(source.optimizer));
  const rows = [...sources.entries()].filter(([, { weight }]) => weight > 0);
  const reading = inOrder(rows, readAheadOf(source.bytes), async ([row, each]) => ({
    each,
    tensors: await source.read(each, row),
  }));
  for await (const { each, tensors } of reading) {
    const { weight, shortenTo } = each;
    const key = source.keyOf(each);
    const counted = shortenTo === undefined ? tensors.weights : shortenDelta(before, tensors.weights, shortenTo);
    weights.add(counted, weight, key);
    if (each.countsState) optimizer.add(tensors.optimizer, weight, key);
  }
  return { weights: weights.partial(), optimizer: optimizer.partial(), pieces: source };
}

/**
 * A part of the weights that the round began with. Its numbers matter where deltas are shortened, and where nobody had an example; else
 * only what its tensors are like.
 */
export async function weightsBefore(
  spec: JobSpec,
  round: number,
  part: number,
  pieces: readonly Pick<Piece, "name" | "from" | "to">[],
  store: ObjectStore,
): Promise<NamedTensors> {
  const { job } = spec;
  if (round > 1) return readSlicePieces(store, job, round - 1, { ...slicingIn(spec), part }, pieces);
  const { weights }: RoundTensors = splitTensors((await readWeights(store, job, 0)).tensors);
  return cutPieces(weights, pieces);
}

/** Tensors of which nothing counts but what they are like. */
export function zeros(pieces: readonly Pick<Piece, "name" | "dtype" | "from" | "to">[]): NamedTensors {
  return new Map(
    pieces.map(({ name, dtype, from, to }) => {
      const count = to - from;
      return [name, tensorOf(viewOf(dtype, new ArrayBuffer(count * bytesPerElement[dtype]), 0, count), [count])];
    }),
  );
}
