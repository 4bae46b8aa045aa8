import type { Block, DatasetSpecInput, EngineName, JobEvent, JobFile, JobId, ObjectStore } from "@stampede/core";
import type { FileAccess, MemoryDataset } from "@stampede/data";
import type { WantedJob } from "@stampede/training";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { HttpCluster } from "./http/http-cluster.js";

/** What executors have to live on: one machine that they share, or a function each. */
export interface Capacity {
  /** Processor cores of the machine. */
  readonly cores: number;
  /** Executors on it at the same time. There may be any number of machines. */
  readonly executors: number;
  /** Of one executor. */
  readonly memoryBytes: number;
  /** Of their processors' convolution kernels: graphs are made for each. @default this machine's */
  readonly blocks?: Block[];
}

/** Where jobs run: `localCluster()` is this machine, `awsCluster()` a deployment on AWS or an emulator of it. */
export interface Cluster {
  readonly capacity: Capacity;
  /** Where the cluster's jobs and data sets live. */
  open(): Promise<ObjectStore>;
  /** Whether `s3://` files are read by this process, and how. Absent where there are only those of the disk. */
  files?(): Promise<FileAccess>;
  /** Asks for a job that is prepared where the cluster is. Absent where only clients prepare jobs. */
  request?(wanted: WantedJob): Promise<JobId>;
  /**
   * Says that a job will follow soon, so that what it needs can start meanwhile.
   * @param engine the one that was asked for, if any
   */
  warm(engine?: EngineName): void;
  /**
   * Runs a stored job until it has ended or `signal` aborts (then rejects with `job.interrupted`). On this machine the job stops then; a
   * job in the cloud goes on, and is only no longer waited for.
   */
  run(job: JobId, options: RunOptions): Promise<void>;
  /** A fact of the job has changed from outside (it was cancelled): whoever drives it looks at it soon, not at its next timer. */
  wake(job: JobId): Promise<void>;
  /** Adds an event to the job's log. */
  record(event: JobEvent): void;
  /** The events that the job told so far, oldest first. */
  events(job: JobId): Promise<readonly JobEvent[]>;
}

/** Either kind: one whose store this process sees, or one behind the HTTP API. */
export type AnyCluster = Cluster | HttpCluster;

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
  readonly cluster: AnyCluster;
  /** The folder that `model/` is written into; by default `stampede-out/<job id>`. */
  readonly out?: string;
  readonly overwrite?: boolean;
  /** Go on with this job instead of submitting a new one. */
  readonly resume?: JobId;
  /** Hears of a job that is prepared in the cloud, before `onEvent` hears that it was submitted: it goes on there whoever waits for it. */
  readonly onRequested?: (job: JobId) => void;
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
  readonly cluster: AnyCluster;
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

/** What `fit`, `evaluate` and `predict` take: files, or values in memory. */
export type DatasetInput = DatasetSpecInput | MemoryDataset;
