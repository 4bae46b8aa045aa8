import type {
  DatasetSpecInput,
  EngineName,
  JobEvent,
  JobFile,
  JobId,
  JobLimits,
  JobSpec,
  ObjectStore,
  RetryRecord,
  Stage,
} from "@stampede/core";
import type { FileAccess, MemoryDataset } from "@stampede/data";
import type { WantedJob } from "@stampede/training";
import type { LayersModel } from "@tensorflow/tfjs-layers";

/** What executors have to live on: one machine that they share, or a function each. */
export interface Capacity {
  /** Processor cores of the machine. */
  readonly cores: number;
  /** Executors on it at the same time. There may be any number of machines. */
  readonly executors: number;
  /** Of one executor. */
  readonly memoryBytes: number;
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
  readonly limits: JobLimits;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly metrics: Readonly<Record<string, number>>;
  readonly validation: Readonly<Record<string, number>> | undefined;
  readonly weightsSha256: string | undefined;
  /** Of the committed rounds whose records can be read. */
  readonly history: readonly RoundHistory[];
  /** Records of rounds that are not in the history, because they were damaged or removed from outside. */
  readonly unreadable: readonly UnreadableRecord[];
  /** Failed attempts of every round, with their reasons. */
  readonly failures: readonly FailedAttempt[];
  /** Attempts that were started because an earlier one failed, was lost or is slow. */
  readonly retries: readonly Retry[];
  /** The task that the job failed of, if it was one. */
  readonly deadTask: DeadTask | undefined;
  /** Of a job that has not ended. */
  readonly underWay: UnderWay | undefined;
}

export interface UnreadableRecord {
  /** Undefined for the one record that garbage collection leaves of all rounds. */
  readonly round: number | undefined;
  readonly key: string;
  readonly found: "damaged" | "missing";
}

/** One attempt of one task. */
interface TaskAttempt {
  /** `train 3`: the kind and the round. */
  readonly stage: string;
  readonly partition: number;
  readonly attempt: number;
}

export interface FailedAttempt extends TaskAttempt {
  /** Milliseconds since the epoch, here and below. */
  readonly at: number;
  readonly code: string;
  readonly message: string;
}

/** `attempt` is the new one. */
export interface Retry extends TaskAttempt {
  readonly at: number;
  readonly why: RetryRecord["why"];
  /** Of the attempt before, where it failed. */
  readonly code: string | undefined;
}

export interface DeadTask {
  readonly stage: string;
  readonly partition: number;
  readonly at: number;
  readonly attempts: number;
  readonly code: string;
  readonly message: string;
  /** Why its attempts failed, as far as they said it. */
  readonly reasons: readonly { readonly attempt: number; readonly code: string; readonly message: string }[];
}

/** What a job that has not ended is doing, and when it was last heard of. */
export interface UnderWay {
  /** Undefined before the driver's first decision; `preparation` of a job that the cloud is still to make of its request. */
  readonly stage: Stage | "preparation" | undefined;
  /** Tasks of the stage whose output is committed. */
  readonly done: number;
  /** Attempts that are under way, as far as is known: both of a task that has a backup. */
  readonly tasks: readonly RunningTask[];
  readonly lastSign: SignOfLife;
}

export interface RunningTask {
  readonly partition: number;
  readonly attempt: number;
  /** Started because the attempt before it is slow. */
  readonly isBackup: boolean;
  readonly startedAt: number;
  /** Its last sign of life; undefined where there is none yet. */
  readonly sign:
    | {
        readonly at: number;
        readonly agoMs: number;
        readonly examples: number;
        readonly totalExamples: number;
        readonly memoryBytes: number | undefined;
      }
    | undefined;
}

export interface SignOfLife {
  readonly at: number;
  /** When this was asked for. */
  readonly agoMs: number;
  readonly from: "client" | "driver" | "executor" | "parameter server";
}

/** One round of the history: aggregated, and for each executor. */
export interface RoundHistory {
  readonly round: number;
  readonly committedAt: number;
  readonly examples: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Of this round's weights; absent when there is no validation data or it was not yet evaluated. */
  readonly validation: Readonly<Record<string, number>> | undefined;
  /** Executors without whose deltas the round ended (`training.quorum`). */
  readonly missing: readonly number[];
  /** The deltas that counted, each with the attempt that made it. */
  readonly executors: readonly {
    readonly partition: number;
    readonly attempt: number;
    readonly examples: number;
    readonly computeMs: number;
    /** From the start of the attempt to its commit: with waiting, loading and reading. */
    readonly tookMs: number | undefined;
    /** The L2 norm of the delta. */
    readonly norm: number | undefined;
    /** The most memory in use. */
    readonly memoryBytes: number | undefined;
    /** The round that had ended without it, where it came late: it counts here with less weight. */
    readonly lateFrom: number | undefined;
    readonly metrics: Readonly<Record<string, number>>;
  }[];
}

/** What `fit`, `evaluate` and `predict` take: files, or values in memory. */
export type DatasetInput = DatasetSpecInput | MemoryDataset;
