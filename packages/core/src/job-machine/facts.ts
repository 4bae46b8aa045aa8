import type { ErrorFacts } from "../errors.js";
import type { DeadLetterRecord, FailureRecord, JobHead, JobSpec, ProgressRecord, RetryRecord } from "../schema/job.js";
import type { KernelKind } from "../schema/model.js";
import type { Stage } from "../schema/stage.js";

/** Everything the driver knows of a job, read from the store. Of outputs, failures and signs of life only those of the head's stage. */
export interface JobFacts {
  readonly spec: JobSpec;
  /** Absent before the first decision. */
  readonly head: JobHead | undefined;
  /** A result is committed: the job is over. */
  readonly ended: boolean;
  readonly cancelRequested: boolean;
  /** The weights of the head's round are committed. */
  readonly weightsCommitted: boolean;
  /** How long the tasks of the committed round took, in ms, in the order of partitions. */
  readonly durations: readonly number[];
  /** Of the kernels that trained the committed round. */
  readonly blocks: readonly KernelKind[];
  /** The partitions whose deltas the head's round ends with, where that is committed although some are missing. */
  readonly closed: readonly number[] | undefined;
  /** Partitions whose output is committed and, as far as is known, whole. */
  readonly outputs: ReadonlySet<number>;
  readonly failures: readonly FailureRecord[];
  /** Only read when they matter, see `needsProgress`. */
  readonly progress: readonly ProgressRecord[];
  readonly wake: Wake;
}

/** What the message that woke the driver says beyond "look". */
export interface Wake {
  /** Executors that the head speaks of are known to be gone, and its timer with them. */
  readonly executorsGone: boolean;
  /** Whoever handled the message before may have died between the commit of the head and what was to follow. */
  readonly redelivered: boolean;
  /** The timer that came due, or is known to be lost. */
  readonly firedTimer: number | undefined;
}

/** The head without what only the writer knows. */
export type NextHead = Omit<JobHead, "version" | "job" | "token">;

export interface StartAction {
  readonly type: "start";
  readonly stage: Stage;
  readonly partition: number;
  readonly attempt: number;
  readonly startedAt: number;
  readonly deadlineAt: number;
  readonly frugal: boolean;
  /** Why it is not the first attempt; absent for that, and where the same attempt may not have been started. */
  readonly retry?: Pick<RetryRecord, "why" | "error">;
}

/** The task that a job failed of. */
export type DeadTask = Pick<DeadLetterRecord, "stage" | "partition" | "attempts" | "error" | "failures">;

export type Action =
  | StartAction
  /** All deltas that count are there but the round's weights are not: tell the parameter server once more. */
  | { readonly type: "aggregate"; readonly round: number }
  /** Ends the round with these deltas, and tells the parameter server. */
  | { readonly type: "close"; readonly round: number; readonly partitions: readonly number[] }
  /** Look at the job again at this time. */
  | { readonly type: "wake"; readonly at: number }
  | { readonly type: "end"; readonly status: "succeeded"; readonly stage: Stage }
  | { readonly type: "end"; readonly status: "cancelled" }
  | { readonly type: "end"; readonly status: "failed"; readonly error: ErrorFacts; readonly deadTask?: DeadTask };

/**
 * What to do now. When `head` is there it MUST be committed (by compare-and-swap from the head that was read) before any
 * action is taken; when that conflicts the facts are read anew and nothing of this decision is done.
 */
export interface Decision {
  readonly head?: NextHead;
  readonly actions: readonly Action[];
}
