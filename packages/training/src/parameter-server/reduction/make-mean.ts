import {
  decodeTensorRecord,
  keys,
  readObject,
  StampedeError,
  SumRecord,
  WeightedMean,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
  type Piece,
} from "@stampede/core";
import { inOrder } from "../../in-order.js";
import { splitNames, splitTensors, type RoundTensors } from "../../round-tensors.js";
import { missing } from "../../store/records.js";
import { readAheadOf } from "../read-delta.js";
import { weightsBefore, zeros, type PartialSum } from "./make-sum.js";

/** What a stored piece of a sum is of; where it lies in memory nobody asks. */
type SumPiece = SumRecord["pieces"][number];

export interface PartMean extends RoundTensors {
  readonly pieces: { readonly weights: readonly SumPiece[]; readonly optimizer: readonly SumPiece[] };
}

/**
 * The mean of one part: the sums of all groups, in order, some of which are read ahead.
 * @param groups two at least
 * @throws StampedeError `store.*`, `training.incompatible-delta`
 */
export async function meanOfSums(
  spec: JobSpec,
  round: number,
  part: number,
  groups: readonly number[],
  store: ObjectStore,
): Promise<PartMean> {
  const reading = (group: number): Promise<ReadSum> => readSum(spec, round, part, group, store);
  // The first ones tell how large they are.
  const [first, second] = await Promise.all([reading(0), reading(1)]);
  const bytes = [...first.weights.tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  const rest = inOrder(groups.slice(2), readAheadOf(bytes), reading);
  const weights = new WeightedMean(zeros(first.pieces.weights));
  let state: { readonly mean: WeightedMean; readonly pieces: readonly SumPiece[] } | undefined;
  const add = ({ key, ...sum }: ReadSum): void => {
    weights.addPartial(sum.weights, key);
    if (sum.optimizer.weight === 0) return;
    state ??= { mean: new WeightedMean(zeros(sum.pieces.optimizer)), pieces: sum.pieces.optimizer };
    state.mean.addPartial(sum.optimizer, key);
  };
  add(first);
  add(second);
  for await (const sum of rest) add(sum);
  const pieces = { weights: first.pieces.weights, optimizer: state?.pieces ?? [] };
  return {
    weights: await resultOf(weights, spec, round, part, pieces.weights, store),
    optimizer: state?.mean.result() ?? new Map(),
    pieces,
  };
}

/** Where one group is all there is, its sum is stored nowhere. */
export async function meanOfSum(
  spec: JobSpec,
  round: number,
  part: number,
  { weights, optimizer, pieces }: PartialSum,
  store: ObjectStore,
): Promise<PartMean> {
  const mean = new WeightedMean(zeros(pieces.weights));
  mean.addPartial(weights, "its only group");
  const state = new WeightedMean(zeros(pieces.optimizer));
  state.addPartial(optimizer, "its only group");
  return {
    weights: await resultOf(mean, spec, round, part, pieces.weights, store),
    optimizer: state.result(),
    pieces: { weights: pieces.weights.map(asSumPiece), optimizer: pieces.optimizer.map(asSumPiece) },
  };
}

/** Of nobody's examples the mean is what was there before. */
async function resultOf(
  mean: WeightedMean,
  spec: JobSpec,
  round: number,
  part: number,
  pieces: readonly Pick<Piece, "name" | "from" | "to">[],
  store: ObjectStore,
): Promise<NamedTensors> {
  return mean.partial().weight > 0 ? mean.result() : weightsBefore(spec, round, part, pieces, store);
}

interface ReadSum extends Pick<PartialSum, "weights" | "optimizer"> {
  readonly key: string;
  readonly pieces: PartMean["pieces"];
}

async function readSum(
  { job }: JobSpec,
  round: number,
  part: number,
  group: number,
  store: ObjectStore,
): Promise<ReadSum> {
  const key = keys.sum(job, round, part, group);
  const read = await readObject(store, key, (body) => decodeTensorRecord(SumRecord, body, key));
  if (read === undefined) throw missing(key);
  const { record, tensors } = read.value;
  const belongs = record.job === job && record.round === round && record.part === part && record.group === group;
  if (!belongs || record.pieces.some(({ name }) => !tensors.has(name))) throw foreign(key);
  const { weights, optimizer } = splitTensors(tensors);
  return {
    key,
    weights: { tensors: weights, weight: record.weight },
    optimizer: { tensors: optimizer, weight: record.stateWeight },
    pieces: splitNames(record.pieces),
  };
}

export function asSumPiece({ name, dtype, shape, from, to }: Piece): SumPiece {
  return { name, dtype, shape: [...shape], from, to };
}

function foreign(key: string): StampedeError {
  const message = `Expected the part of a group's sum that the name of ${key} says, found another. The round was not averaged.`;
  return new StampedeError("store.corrupt", message, { details: { key } });
}
