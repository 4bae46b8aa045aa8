import type { DatasetId, JobId } from "@stampede/core";

/** What is removed, by what it was to its job. */
export const garbageKinds = [
  /** Of rounds that are over. */
  "deltas",
  /** Unfinished work of rounds that are over. */
  "checkpoints",
  /** Of ended jobs, but for those of the result. */
  "weights",
  /** Evaluations and predictions of ended jobs. */
  "outputs",
  /** Signs of life. */
  "progress",
  /** Of ended jobs, but for those that are saved with the model. */
  "graphs",
  /** All objects of ended jobs that are removed whole. */
  "jobs",
  /** Of jobs that were never stored, or whose removal was cut short; marks of jobs that have ended. */
  "leftovers",
  /** Data sets that no job refers to. */
  "datasets",
  /** What data sets were made of, where nobody is at it any more. */
  "shardings",
  /** Marks of jobs that were about to use a data set. */
  "uses",
  /** Compiled plans that wait for another job with the same model. */
  "plans",
  /** That a request of the HTTP API may be repeated. */
  "requests",
  /** Files that were uploaded. */
  "uploads",
] as const;
export type GarbageKind = (typeof garbageKinds)[number];

export interface GarbageCount {
  readonly objects: number;
  readonly bytes: number;
}

/** What one run of the garbage collection removed, or would have removed. */
export interface GarbageReport {
  readonly dryRun: boolean;
  /** Only kinds of which there was something. */
  readonly removed: Readonly<Partial<Record<GarbageKind, GarbageCount>>>;
  /** Jobs that were removed whole. */
  readonly jobs: readonly JobId[];
  readonly datasets: readonly DatasetId[];
  /** What was left alone because it cannot be understood: nobody knows then what it needs. */
  readonly skipped: readonly { readonly key: string; readonly reason: string }[];
}
