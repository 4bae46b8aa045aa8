import {
  keys,
  type DatasetId,
  type DatasetManifest,
  type EngineSession,
  type JobId,
  type JobSpec,
  type PartitionData,
} from "@stampede/core";
import { loadManifest, loadPartition } from "@stampede/data";
import type { ExecutorDeps } from "./deps.js";
import { readSpec } from "./job-store.js";

interface ResidentPartition {
  readonly data: PartitionData;
  readonly bytes: number;
}

/** What an executor keeps between tasks: one job's model, and as many partitions as fit into its budget. */
export class Residents {
  readonly #deps: ExecutorDeps;
  #spec: JobSpec | undefined;
  #session: EngineSession | undefined;
  readonly #manifests = new Map<DatasetId, DatasetManifest>();
  /** In order of last use. */
  readonly #partitions = new Map<string, ResidentPartition>();

  constructor(deps: ExecutorDeps) {
    this.#deps = deps;
  }

  /** The job's spec; another job's model is closed first. */
  async spec(job: JobId): Promise<JobSpec> {
    if (this.#spec?.job !== job) {
      this.#session?.close();
      this.#session = undefined;
      this.#spec = await readSpec(this.#deps.store, job);
    }
    return this.#spec;
  }

  async session(spec: JobSpec): Promise<EngineSession> {
    if (this.#session === undefined) {
      const engine = await this.#deps.engine(spec.engine);
      this.#session = await engine.open(spec.model);
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

  close(): void {
    this.#session?.close();
    this.#session = undefined;
    this.#partitions.clear();
    this.#manifests.clear();
  }

  async #load(dataset: DatasetId, index: number): Promise<ResidentPartition> {
    const { store } = this.#deps;
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
