import type { FailureRecord, JobSpec, ProgressRecord } from "../schema/job.js";

/** A piece of work may take that many times as long as the longest before it. */
const pieceFactor = 5;

interface Attempt {
  readonly partition: number;
  readonly attempt: number;
}

/** What is known of the attempts of a stage, by attempt. */
export interface Evidence {
  failureOf(attempt: Attempt): FailureRecord | undefined;
  /** The latest sign of life. Two executors may run one attempt, when a message came twice. */
  signOf(attempt: Attempt): ProgressRecord | undefined;
}

export function evidenceOf(failures: readonly FailureRecord[], progress: readonly ProgressRecord[]): Evidence {
  const name = ({ partition, attempt }: Attempt): string => `${partition}:${attempt}`;
  const failed = new Map(failures.map((failure) => [name(failure), failure]));
  const signs = new Map<string, ProgressRecord>();
  for (const record of progress) {
    const last = signs.get(name(record));
    if (last === undefined || record.at > last.at) signs.set(name(record), record);
  }
  return { failureOf: (attempt) => failed.get(name(attempt)), signOf: (attempt) => signs.get(name(attempt)) };
}

/** Until when an executor that gave this sign may be silent. */
export function silentAt({ training }: JobSpec, { at, longestPieceMs }: ProgressRecord): number {
  return at + Math.max(training.heartbeatTimeoutSeconds * 1000, pieceFactor * longestPieceMs);
}
