import {
  blocksAround,
  bytesOf,
  checkBlocks,
  cutPieces,
  isDamage,
  keys,
  piecesIn,
  piecesOf,
  slicingIn,
  StampedeError,
  type GroupPlan,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
  type Piece,
} from "@stampede/core";
import type { RoundTensors } from "../../round-tensors.js";
import { missing } from "../../store/records.js";
import { DamagedDelta, readDelta } from "../read-delta.js";
import { readDeltaHeader } from "./delta-header.js";
import type { ReadPlan } from "./group-plan.js";

type Source = GroupPlan["sources"][number];
const noTensors: NamedTensors = new Map();

/** One part of a group's deltas. */
export class PartSource {
  readonly #spec: JobSpec;
  readonly #plan: ReadPlan;
  readonly #store: ObjectStore;
  /** Of the weights, and of the optimizer's state. */
  readonly weights: readonly Piece[];
  readonly optimizer: readonly Piece[];

  constructor(spec: JobSpec, plan: ReadPlan, part: number, store: ObjectStore) {
    const { weights, optimizer } = plan.record;
    const { parts } = slicingIn(spec);
    this.#spec = spec;
    this.#plan = plan;
    this.#store = store;
    this.weights = piecesOf(weights, parts, part);
    this.optimizer = piecesOf(optimizer, parts, part);
  }

  /** What is read of each delta. */
  get bytes(): number {
    return [...this.weights, ...this.optimizer].reduce((sum, { begin, end }) => sum + end - begin, 0);
  }

  keyOf({ partition }: Source): string {
    const { job, round } = this.#plan.record;
    return keys.output(job, { kind: "train", round }, partition);
  }

  /**
   * Its part of one delta, whose bytes are those that were committed.
   * @throws DamagedDelta
   * @throws StampedeError `store.*`
   */
  async read(source: Source, row: number): Promise<RoundTensors> {
    const { record, blockSums } = this.#plan;
    const sums = blockSums?.[row];
    const state = source.countsState ? this.optimizer : [];
    if (sums === undefined) {
      const whole = await readDelta(this.#spec, record.round, source.partition, this.#store);
      return { weights: cutPieces(whole.weights, this.weights), optimizer: cutPieces(whole.optimizer, state) };
    }
    const [weights, optimizer] = await Promise.all([
      this.#pieces(source, sums, this.weights, 0),
      this.#pieces(source, sums, state, bytesOf(record.weights)),
    ]);
    return { weights, optimizer };
  }

  /** @param offset where the tensors of the pieces begin in a delta's data */
  async #pieces(source: Source, sums: Int32Array, pieces: readonly Piece[], offset: number): Promise<NamedTensors> {
    const [begin, end] = [pieces[0]?.begin ?? 0, pieces.at(-1)?.end ?? 0];
    if (pieces.length === 0) return noTensors;
    if (begin === end) return piecesIn(new Uint8Array(), begin, pieces);
    const range = blocksAround(offset + begin, offset + end, source.dataBytes);
    const bytes = await this.#blocks(source, sums, range);
    return piecesIn(bytes, range.start - offset, pieces);
  }

  async #blocks(
    source: Source,
    sums: Int32Array,
    range: { readonly start: number; readonly end: number },
  ): Promise<Uint8Array> {
    const key = this.keyOf(source);
    let found = source;
    let damage: Error | undefined;
    // What is damaged is read once more, and what was made anew meanwhile where it lies now.
    for (let reads = 0; reads < 4; reads += 1) {
      const { etag, dataStart } = found;
      const at = { start: dataStart + range.start, end: dataStart + range.end };
      const read = await this.#store.get(key, at);
      if (read === undefined) throw missing(key);
      if (read.etag !== etag) {
        found = await this.#madeAnew(source, sums);
        damage = undefined;
        continue;
      }
      try {
        checkBlocks(read.body, range, sums, key);
        return read.body;
      } catch (error) {
        if (!isDamage(error) || !(error instanceof Error)) throw error;
        if (damage !== undefined) throw new DamagedDelta(this.#plan.record.round, source.partition, etag, error);
        damage = error;
      }
    }
    throw new StampedeError(
      "store.unavailable",
      `Expected ${key} to stay as it is, but it was replaced again and again. It is tried again.`,
      {
        details: { key },
      },
    );
  }

  /** A delta that was damaged after the plan was made has been made anew: in the same bits, or other parts have counted others. */
  async #madeAnew({ partition, ...source }: Source, sums: Int32Array): Promise<Source> {
    const { round, weights } = this.#plan.record;
    const header = await readDeltaHeader(this.#spec, round, partition, weights, this.#store);
    const { etag, dataStart, dataBytes, blockSums } = header;
    const own = blockSums?.subarray(0, sums.length);
    if (dataBytes === source.dataBytes && own?.every((sum, block) => sum === sums[block]) === true) {
      return { ...source, partition, etag, dataStart };
    }
    const key = keys.output(this.#spec.job, { kind: "train", round }, partition);
    const message = `Expected ${key}, which was damaged and made anew, to hold the same numbers as before: parts of it may have been averaged. It holds others, so the round cannot go on. Executors of one job must compute alike.`;
    throw new StampedeError("store.corrupt", message, { details: { key } });
  }
}
