import {
  bytesOf,
  groupOf,
  layoutOf,
  moveDelta,
  shortenDelta,
  WeightedMean,
  type DeltaRecord,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
} from "@stampede/core";
import { readWeights } from "../store/round-store.js";
import { DamagedDelta, deltasInOrder, readDelta, type ReadDelta } from "./read-delta.js";
import { tooLong } from "../executor/refusals.js";
import type { RoundPlan } from "./round-plan.js";
import { lowerMedian, summaryOf, type RoundSummary } from "./round-summary.js";
import { splitTensors, type RoundTensors } from "../round-tensors.js";

/** FedBuff (arXiv 2106.06639): 1 / sqrt(1 + staleness); a late delta is one round old. */
const lateWeight = 1 / Math.sqrt(2);

/**
 * The mean of one round's deltas. Each group grows in the order of its partitions, so that its bits do not depend on who came first, and as
 * far as the deltas are there, so that little is left to do when the last one comes; groups are added up in their order. What was added
 * is committed and does not change.
 */
export class RoundSum {
  readonly #spec: JobSpec;
  readonly #round: number;
  readonly #before: NamedTensors;
  /** Those that are begun: of the partitions that were added the deltas' records, in order. */
  readonly #groups = new Map<number, GroupSum>();
  /** All groups together, once they are complete. */
  #total: GroupSum | undefined;
  readonly #late: DeltaRecord[] = [];

  /** @param before the weights that the round began with: of the shape that every delta must have */
  constructor(spec: JobSpec, round: number, before: NamedTensors) {
    this.#spec = spec;
    this.#round = round;
    this.#before = before;
  }

  /** Whether it is of this round, and all that was added counts by this plan. */
  fits({ job }: JobSpec, round: number, { members }: RoundPlan): boolean {
    const isOfRound = this.#spec.job === job && this.#round === round;
    const planned = byGroup(members);
    const isPlanned = ([group, { records }]: [number, GroupSum]): boolean =>
      records.every(({ partition }, index) => planned.get(group)?.[index] === partition);
    return isOfRound && [...this.#groups].every(isPlanned);
  }

  /**
   * Adds the deltas of the plan that follow, within their group, without a gap. After an error the sum MUST NOT be used any more.
   * @param present partitions whose delta is committed
   * @returns whether all are added
   * @throws StampedeError `store.*`, `training.*`
   * @throws DamagedDelta
   */
  async advance(plan: RoundPlan, present: Pick<ReadonlySet<number>, "has">, store: ObjectStore): Promise<boolean> {
    const { members } = plan;
    const isComplete = members.every((partition) => present.has(partition));
    const { clip } = this.#spec.training.deltaNorm ?? {};
    // How long a delta may be follows from all of them.
    if (clip !== undefined && !isComplete) return false;
    const longest = clip === undefined ? Infinity : clip * (await this.#medianNorm(members, store));
    const next = [...byGroup(members)].flatMap(([group, partitions]) => {
      const from = this.#groups.get(group)?.records.length ?? 0;
      const gap = partitions.findIndex((partition, index) => index >= from && !present.has(partition));
      return partitions.slice(from, gap === -1 ? undefined : gap);
    });
    for await (const delta of this.#deltas(next, store)) this.#add(delta, longest);
    if (!isComplete) return false;
    const total = this.#sumOfGroups();
    for (const partition of plan.late) await this.#addLate(partition, total, longest, store);
    this.#total = total;
    return true;
  }

  result(): RoundTensors & { readonly summary: RoundSummary } {
    const { mean, optimizer, records } = this.#total ?? this.#sumOfGroups();
    return { weights: mean.result(), optimizer: optimizer.result(), summary: summaryOf(records, this.#late) };
  }

  /** Into the first one, which is not used any more: nothing is in memory twice. */
  #sumOfGroups(): GroupSum {
    const [first, ...rest] = [...this.#groups].toSorted(([a], [b]) => a - b).map(([, group]) => group);
    const total = first ?? this.#emptySum();
    for (const { mean, optimizer, records } of rest) {
      total.mean.addPartial(mean.partial(), "a group of deltas");
      total.optimizer.addSum(optimizer);
      total.records.push(...records);
    }
    return total;
  }

  #emptySum(): GroupSum {
    return { mean: new WeightedMean(this.#before), optimizer: new OptimizerMean(this.#spec), records: [] };
  }

  #add({ record, weights, optimizer, key }: ReadDelta, longest: number): void {
    const { norm = 0, examples, partition } = record;
    refuseTooLong(this.#spec, record);
    const counted = norm > longest ? shortenDelta(this.#before, weights, longest / norm) : weights;
    const group = this.#groupOf(partition);
    group.mean.add(counted, examples, key);
    group.optimizer.add(optimizer, examples, key);
    group.records.push(record);
  }

  #groupOf(partition: number): GroupSum {
    const index = groupOf(partition);
    const begun = this.#groups.get(index) ?? this.#emptySum();
    this.#groups.set(index, begun);
    return begun;
  }

  /** A delta of the round before, which was made from the weights of the round before that. */
  async #addLate(partition: number, { mean }: GroupSum, longest: number, store: ObjectStore): Promise<void> {
    const round = this.#round - 1;
    const delta = await readLate(this.#spec, round, partition, store);
    if (delta === undefined) return;
    const { record, weights, key } = delta;
    const base = splitTensors((await readWeights(store, this.#spec.job, round - 1)).tensors).weights;
    const moved = moveDelta(weights, base, this.#before);
    const { norm = 0 } = record;
    const counted = norm > longest ? shortenDelta(this.#before, moved, longest / norm) : moved;
    mean.add(counted, record.examples * lateWeight, key);
    this.#late.push(record);
  }

  /** The lower median of the deltas' norms. */
  async #medianNorm(members: readonly number[], store: ObjectStore): Promise<number> {
    const norms: number[] = [];
    for await (const { record } of this.#deltas(members, store)) norms.push(record.norm ?? 0);
    return lowerMedian(norms);
  }

  #deltas(partitions: readonly number[], store: ObjectStore): AsyncGenerator<ReadDelta> {
    return deltasInOrder(this.#spec, this.#round, partitions, bytesOf(layoutOf(this.#before)), store);
  }
}

/** @throws StampedeError `training.delta-too-long` */
export function refuseTooLong({ training }: JobSpec, { norm = 0, job, round, partition }: DeltaRecord): void {
  const { max } = training.deltaNorm ?? {};
  if (max !== undefined && norm > max) throw tooLong({ job, stage: { kind: "train", round }, partition }, norm, max);
}

interface GroupSum {
  readonly mean: WeightedMean;
  readonly optimizer: OptimizerMean;
  readonly records: DeltaRecord[];
}

function byGroup(partitions: readonly number[]): ReadonlyMap<number, readonly number[]> {
  const groups = new Map<number, number[]>();
  for (const partition of partitions) {
    const group = groupOf(partition);
    const own = groups.get(group);
    if (own === undefined) groups.set(group, [partition]);
    else own.push(partition);
  }
  return groups;
}

/** The mean of the executors' optimizer states, where the job asks for it. */
class OptimizerMean {
  readonly #wanted: boolean;
  #mean: WeightedMean | undefined;
  #template: NamedTensors | undefined;

  constructor(spec: JobSpec) {
    this.#wanted = spec.training.optimizerState === "averaged";
  }

  add(state: NamedTensors, examples: number, key: string): void {
    // An executor without examples never made a step, so its optimizer has no slots yet.
    if (!this.#wanted || examples === 0) return;
    this.#template ??= state;
    this.#mean ??= new WeightedMean(state);
    this.#mean.add(state, examples, key);
  }

  /** What another one has come to. */
  addSum(other: OptimizerMean): void {
    if (other.#mean === undefined || other.#template === undefined) return;
    this.#template ??= other.#template;
    this.#mean ??= new WeightedMean(this.#template);
    this.#mean.addPartial(other.#mean.partial(), "the optimizer states of a group");
  }

  result(): NamedTensors {
    return this.#mean?.result() ?? new Map();
  }
}

/** A late delta that is damaged counts no more: its round is over. */
async function readLate(
  spec: JobSpec,
  round: number,
  partition: number,
  store: ObjectStore,
): Promise<ReadDelta | undefined> {
  try {
    return await readDelta(spec, round, partition, store);
  } catch (error) {
    if (error instanceof DamagedDelta) return undefined;
    throw error;
  }
}
