import type { DatasetSpecInput, EngineName, JobEvent, JobFile, JobId, JobSpec, ObjectStore } from "@stampede/core";
import type { MemoryDataset } from "@stampede/data";
import type { LayersModel } from "@tensorflow/tfjs-layers";

/** What executors have to live on. */
export interface Capacity {
  /** Processor cores that the executors share. */
  readonly cores: number;
  /** Executors at the same time. */
  readonly executors: number;
  /** Of one executor. */
  readonly memoryBytes: number;
}

/** Where jobs run. `localCluster()` is this machine; others speak to a deployed endpoint. */
export interface Cluster {
  readonly capacity: Capacity;
  /** Where the cluster's jobs and data sets live. */
  open(): Promise<ObjectStore>;
  /**
   * Says that a job will follow soon, so that what it needs can start meanwhile.
   * @param engine the one that was asked for, if any
   */
  warm(engine?: EngineName): void;
  /** Runs a stored job until it has ended or `signal` aborts (then rejects with `job.interrupted`). */
  run(job: JobId, options: RunOptions): Promise<void>;
  /** Adds an event to the job's log. */
  record(event: JobEvent): void;
  /** The events that the job told so far, oldest first. */
  events(job: JobId): Promise<readonly JobEvent[]>;
}

export interface RunOptions {
  /** Nothing of an earlier run is alive: tasks that were under way are started anew. */
  readonly resumed: boolean;
  readonly onEvent: (event: JobEvent) => void;
  readonly signal?: AbortSignal;
}

/** A model as the user has it: built by a program, or the path of a tfjs `model.json`. */
export type ModelSource =
  | { readonly type: "built"; readonly build: () => LayersModel | Promise<LayersModel> }
  | { readonly type: "file"; readonly path: string };

export interface TrainRequest {
  readonly job: JobFile;
  readonly model: ModelSource;
  /** Relative paths of the job file start here. */
  readonly baseFolder: string;
  readonly cluster: Cluster;
  /** The folder that `model/` is written into; by default `stampede-out/<job id>`. */
  readonly out?: string;
  readonly overwrite?: boolean;
  /** Go on with this job instead of submitting a new one. */
  readonly resume?: JobId;
  readonly onEvent?: (event: JobEvent) => void;
  readonly signal?: AbortSignal;
}

export type JobSucceeded = Extract<JobEvent, { event: "job.succeeded" }>;

export interface InferenceRequest {
  /** A folder with `model.json` and `stampede.json`, as training leaves it. */
  readonly modelFolder: string;
  /** What differs from the training data, at least the files; fields and preprocessing are the saved ones unless given. */
  readonly data: Record<string, unknown>;
  readonly baseFolder: string;
  readonly cluster: Cluster;
  /** @default 2 */
  readonly executors?: number;
  readonly onEvent?: (event: JobEvent) => void;
  readonly signal?: AbortSignal;
}

export interface PredictRequest extends InferenceRequest {
  /** The file to write: `.csv`, `.jsonl` or `.npy`, by its ending. */
  readonly out: string;
  readonly overwrite?: boolean;
}

/** One line of `stampede jobs list`. */
export interface JobSummary {
  readonly job: JobId;
  readonly name: string;
  readonly kind: JobSpec["kind"];
  readonly status: "unfinished" | "succeeded" | "failed" | "cancelled";
  readonly round: number;
  readonly rounds: number;
  readonly createdAt: number;
  readonly endedAt: number | undefined;
}

/** `stampede jobs show`: the life of one job from its facts. */
export interface JobDetails extends JobSummary {
  readonly executors: number;
  readonly engine: string;
  /** Why it is not the compiled engine, where that was tried. */
  readonly engineReason: string | undefined;
  /** Processor threads of each executor; undefined for engines that decide for themselves. */
  readonly threads: number | undefined;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly metrics: Readonly<Record<string, number>>;
  readonly validation: Readonly<Record<string, number>> | undefined;
  readonly weightsSha256: string | undefined;
  readonly history: readonly RoundHistory[];
  /** Failed attempts of every round, with their reasons. */
  readonly failures: readonly {
    readonly stage: string;
    readonly partition: number;
    readonly attempt: number;
    readonly code: string;
    readonly message: string;
  }[];
}

/** One round of the history: aggregated, and for each executor. */
export interface RoundHistory {
  readonly round: number;
  readonly examples: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Of this round's weights; absent when there is no validation data or it was not yet evaluated. */
  readonly validation: Readonly<Record<string, number>> | undefined;
  readonly executors: readonly {
    readonly partition: number;
    readonly attempt: number;
    readonly examples: number;
    readonly computeMs: number;
    readonly metrics: Readonly<Record<string, number>>;
  }[];
}

/** What `fit`, `evaluate` and `predict` take: files, or values in memory. */
export type DatasetInput = DatasetSpecInput | MemoryDataset;
