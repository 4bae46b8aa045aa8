import type { ErrorFacts } from "../errors.js";
import type { FailureRecord, JobHead, JobSpec } from "../schema/job.js";
import type { Stage } from "../schema/stage.js";

/** Everything the driver knows of a job, read from the store. Of outputs and failures only those of the head's stage. */
export interface JobFacts {
  readonly spec: JobSpec;
  /** Absent before the first decision. */
  readonly head: JobHead | undefined;
  /** A result is committed: the job is over. */
  readonly ended: boolean;
  readonly cancelRequested: boolean;
  /** The weights of the head's round are committed. */
  readonly weightsCommitted: boolean;
  /** Partitions whose output is committed. */
  readonly outputs: ReadonlySet<number>;
  readonly failures: readonly FailureRecord[];
  /** Executors started before this time are known to be gone; 0 when nothing is known. */
  readonly executorsGoneBefore: number;
}

/** The head without what only the writer knows. */
export type NextHead = Omit<JobHead, "version" | "job" | "token">;

export type Action =
  | {
      readonly type: "start";
      readonly stage: Stage;
      readonly partition: number;
      readonly attempt: number;
      readonly deadlineAt: number;
    }
  /** All deltas of the round are there but its weights are not: tell the parameter server once more. */
  | { readonly type: "aggregate"; readonly round: number }
  /** Look at the job again at this time. */
  | { readonly type: "wake"; readonly at: number }
  | { readonly type: "end"; readonly status: "succeeded"; readonly stage: Stage }
  | { readonly type: "end"; readonly status: "cancelled" }
  | { readonly type: "end"; readonly status: "failed"; readonly error: ErrorFacts };

/**
 * What to do now. When `head` is there it MUST be committed (by compare-and-swap from the head that was read) before any
 * action is taken; when that conflicts the facts are read anew and nothing of this decision is done.
 */
export interface Decision {
  readonly head?: NextHead;
  readonly actions: readonly Action[];
}
