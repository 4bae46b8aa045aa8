import type { JobId, ShardTask } from "@stampede/core";
import type { FileAccess } from "@stampede/data";
import type { CommonDeps } from "../deps.js";

/** What asking for a data set needs. */
export interface ShardingDeps extends Pick<CommonDeps, "store" | "clock" | "unique"> {
  /** Where files may lie. Functions read `{ disk: "refuse", s3 }`. */
  readonly files: FileAccess;
  /**
   * Has a sharder function do a step. Resolves when the platform has taken it over; the platform must not try again by itself.
   * A rejection costs one of the step's attempts.
   */
  readonly start: (task: ShardTask) => Promise<void>;
  /**
   * A step that was started longer ago than this and has not been heard of is started again; steps that may take as long as a function
   * can, longer ago than three times this. Milliseconds.
   * @default 330_000
   */
  readonly patienceMs?: number;
  /** Steps of one data set that are worked on at the same time. @default 64 */
  readonly maxUnderWay?: number;
}

export interface SharderDeps extends ShardingDeps {
  /** Tells whoever prepares the job that its data set is there, or cannot be made: `requestDataset` answers now. May be lost. */
  readonly hint: (job: JobId) => Promise<void>;
  /** Where temporary files go. Default: the system's folder. */
  readonly temporaryFolder?: string;
  readonly signal?: AbortSignal;
}
