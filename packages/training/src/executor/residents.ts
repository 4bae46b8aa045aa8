import {
  keys,
  type DatasetId,
  type DatasetManifest,
  type EngineSession,
  type JobId,
  type JobSpec,
  type NamedTensors,
  type PartitionData,
} from "@stampede/core";
import type { ExecutorDeps } from "../deps.js";
import { readSpec } from "../store/job-store.js";
import { storedGraphs } from "./stored-graphs.js";

/** Only executors read data, and it takes as long to load as everything else that the other roles need. */
const dataReader = (): Promise<typeof import("@stampede/data")> => import("@stampede/data");

interface ResidentPartition {
  readonly data: PartitionData;
  readonly bytes: number;
}

/** An optimizer's memory after a round, as it was committed. */
interface Carried {
  readonly job: JobId;
  readonly round: number;
  readonly partition: number;
  readonly optimizer: NamedTensors;
}

/** How much work of a job fits into one piece, see `inPieces`. */
export interface Pace {
  batches: number;
  rows: number;
}

/** What an executor keeps between tasks: one job's model, and as many partitions as fit into its budget. */
export class Residents {
  readonly #deps: ExecutorDeps;
  #spec: JobSpec | undefined;
  #session: EngineSession | undefined;
  #carried: Carried | undefined;
  readonly pace: Pace = { batches: 1, rows: 1 };
  readonly #manifests = new Map<DatasetId, DatasetManifest>();
  /** In order of last use. */
  readonly #partitions = new Map<string, ResidentPartition>();

  constructor(deps: ExecutorDeps) {
    this.#deps = deps;
  }

  async warm(): Promise<void> {
    await dataReader();
  }

  /** The job's spec; another job's model is closed first. */
  async spec(job: JobId): Promise<JobSpec> {
    if (this.#spec?.job !== job) {
      this.#session?.close();
      this.#session = undefined;
      Object.assign(this.pace, { batches: 1, rows: 1 });
      this.#spec = await readSpec(this.#deps.store, job);
    }
    return this.#spec;
  }

  async session(spec: JobSpec): Promise<EngineSession> {
    if (this.#session === undefined) {
      const engine = await this.#deps.engine(spec.engine, spec.compute);
      this.#session = await engine.open(spec.model, storedGraphs(spec, this.#deps.store));
    }
    return this.#session;
  }

  async partition(dataset: DatasetId, index: number): Promise<PartitionData> {
    const key = keys.part(dataset, index);
    const known = this.#partitions.get(key);
    this.#partitions.delete(key);
    const resident = known ?? (await this.#load(dataset, index));
    this.#partitions.set(key, resident);
    this.#shrink();
    return resident.data;
  }

  /** Remembers the optimizer of the task that ended last: its next round most often comes to the same executor. */
  carry(job: JobId, round: number, partition: number, optimizer: NamedTensors): void {
    this.#carried = { job, round, partition, optimizer };
  }

  /**
   * Takes it back, once: whoever loads it may write to it.
   * @returns the same bits as in the delta of that round; undefined where this executor did not commit it last
   */
  takeCarried(job: JobId, round: number, partition: number): NamedTensors | undefined {
    const known = this.#carried;
    if (known?.job !== job || known.round !== round || known.partition !== partition) return undefined;
    this.#carried = undefined;
    return known.optimizer;
  }

  close(): void {
    this.#session?.close();
    this.#session = undefined;
    this.#carried = undefined;
    this.#partitions.clear();
    this.#manifests.clear();
  }

  async #load(dataset: DatasetId, index: number): Promise<ResidentPartition> {
    const { store } = this.#deps;
    const { loadManifest, loadPartition } = await dataReader();
    const manifest = this.#manifests.get(dataset) ?? (await loadManifest(store, dataset));
    this.#manifests.set(dataset, manifest);
    const data = await loadPartition(store, manifest, index);
    return { data, bytes: data.fields.reduce((sum, { tensor }) => sum + tensor.data.byteLength, 0) };
  }

  /** Drops the partitions used longest ago; the one in use stays, whatever its size. */
  #shrink(): void {
    let total = 0;
    for (const { bytes } of this.#partitions.values()) total += bytes;
    for (const [key, { bytes }] of this.#partitions) {
      if (total <= this.#deps.residentBytes || this.#partitions.size === 1) return;
      this.#partitions.delete(key);
      total -= bytes;
    }
  }
}
