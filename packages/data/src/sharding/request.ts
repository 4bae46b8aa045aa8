import type { DatasetId, DatasetManifest, DatasetSpecInput, Field, JobId, ObjectStore } from "@stampede/core";
import type { FileAccess } from "../files/data-file.js";
import type { MemoryDataset } from "../sources/memory-source.js";

export interface ShardRequest extends ShardSettings {
  /** Files as a job file names them, or values in memory. */
  readonly dataset: DatasetSpecInput | MemoryDataset;
  /** Where relative paths start. */
  readonly baseFolder: string;
}

/** What is to be made of the rows. */
export interface ShardSettings {
  readonly partitions: number;
  /**
   * `shuffled`: rows are shuffled in blocks and dealt to the partitions, for training. `kept`: every partition is a run of rows in
   * the order of the source, whose first row number stands in the manifest, for evaluation and prediction.
   */
  readonly order: "shuffled" | "kept";
  /** A uint32; only `shuffled` depends on it. Default 0. */
  readonly seed?: number | undefined;
  /** The fraction of rows held out, over the whole data set and before partitioning. Only for `shuffled`. */
  readonly validationSplit?: number | undefined;
  /** The fields of the training data: their categories, classes and statistics are used instead of new ones. */
  readonly preprocessing?: readonly Field[] | undefined;
  /** `ignore` leaves labels out, for prediction. Default `use`. */
  readonly labels?: "use" | "ignore" | undefined;
  /** Whether fewer rows than partitions are an error (`data.too-few-rows`). Default `refuse`. Held out data may always be small. */
  readonly emptyPartitions?: "refuse" | "allow" | undefined;
}

export interface ShardDeps {
  readonly store: ObjectStore;
  /**
   * The job that is about to use the data set. It is marked before anybody looks whether the data set is there, so that no garbage
   * collection takes away what this call answers with.
   */
  readonly job?: JobId;
  /** Which places files may lie in. Default: this machine's disk. */
  readonly files?: FileAccess;
  /** What files were when they were asked for, by path: no others are read. Default: whatever they are. */
  readonly versions?: ReadonlyMap<string, string>;
  /** Where temporary files go, about as large as the stored data set. Default: the system's folder. */
  readonly temporaryFolder?: string;
  readonly signal?: AbortSignal;
}

/** A data set that is in the store. */
export interface ShardedSet {
  readonly id: DatasetId;
  readonly manifest: DatasetManifest;
  /** It was there before, so that nothing was written. */
  readonly reused: boolean;
  /** From the call until it was in the store, in milliseconds. */
  readonly ms: number;
  /** All partition files together. */
  readonly bytes: number;
}

export interface ShardOutcome {
  readonly train: ShardedSet;
  /** The rows held out by `validationSplit`. */
  readonly validation?: ShardedSet;
}
