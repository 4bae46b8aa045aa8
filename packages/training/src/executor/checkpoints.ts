import {
  CheckpointRecord,
  decodeTensorRecord,
  encodeTensorRecord,
  isDamage,
  keys,
  readObject,
  type TaskMessage,
} from "@stampede/core";
import type { ExecutorDeps } from "../deps.js";
import { createAny } from "../store/commit.js";
import { joinTensors, splitTensors, type RoundTensors } from "../round-tensors.js";

/** Work of a train task that is not finished. */
export interface Checkpoint extends RoundTensors {
  readonly record: CheckpointRecord;
}

/**
 * The checkpoints of one task: one object for each number of batches at which an attempt left off. Which attempt made one changes no bit
 * of what is trained from it, where they all had the same kernels; otherwise the record says which.
 */
export class Checkpoints {
  readonly #task: TaskMessage;
  readonly #everyMs: number;
  readonly #store: ExecutorDeps["store"];
  readonly #clock: ExecutorDeps["clock"];
  /** Etags of those that are of no use. */
  readonly #damaged = new Map<string, string>();
  /** The batches of the last one that this attempt read or made. */
  #newest = -1;
  #keptAt: number;

  constructor(task: TaskMessage, everyMs: number, { store, clock }: Pick<ExecutorDeps, "store" | "clock">) {
    this.#task = task;
    this.#everyMs = everyMs;
    this.#store = store;
    this.#clock = clock;
    this.#keptAt = clock.now();
  }

  /**
   * The newest one that is whole; undefined where the work has to begin at the beginning. A first attempt does not look.
   *
   * @throws StampedeError `store.*`
   */
  async newest(): Promise<Checkpoint | undefined> {
    const { job, stage, partition, attempt } = this.#task;
    if (attempt === 1) return undefined;
    const found: string[] = [];
    for await (const { key } of this.#store.list(keys.partitionCheckpoints(job, stage.round, partition))) {
      found.push(key);
    }
    for (const key of found.toSorted().toReversed()) {
      const whole = await this.#read(key);
      if (whole === undefined) continue;
      this.#newest = whole.record.batches;
      return whole;
    }
    return undefined;
  }

  /** Whether the last one, or the beginning of the attempt, is so long ago that a crash would lose too much. */
  isDue(): boolean {
    return this.#clock.now() - this.#keptAt >= this.#everyMs;
  }

  /** Whether one with so many batches is there, as far as this attempt knows. */
  has(batches: number): boolean {
    return batches === this.#newest;
  }

  /**
   * Another attempt's that is there already is as good, unless it was found damaged.
   *
   * @throws StampedeError `store.*`
   */
  async save({ record, ...tensors }: Checkpoint): Promise<void> {
    const { job, stage, partition } = this.#task;
    const key = keys.checkpoint(job, stage.round, partition, record.batches);
    const body = encodeTensorRecord(CheckpointRecord, record, joinTensors(tensors));
    const damaged = this.#damaged.get(key);
    if (damaged === undefined) await createAny(this.#store, key, body);
    // A conflict: another attempt has mended it meanwhile.
    else await this.#store.replace(key, body, damaged);
    this.#newest = record.batches;
    this.#keptAt = this.#clock.now();
  }

  async #read(key: string): Promise<Checkpoint | undefined> {
    try {
      const read = await readObject(this.#store, key, (body) => decodeTensorRecord(CheckpointRecord, body, key));
      return read && { record: read.value.record, ...splitTensors(read.value.tensors) };
    } catch (error) {
      if (!isDamage(error)) throw error;
      const info = await this.#store.head(key);
      if (info !== undefined) this.#damaged.set(key, info.etag);
      return undefined;
    }
  }
}
