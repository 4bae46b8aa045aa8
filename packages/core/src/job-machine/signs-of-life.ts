import type { FailureRecord, JobSpec, ProgressRecord } from "../schema/job.js";

/** A piece of work may take that many times as long as the longest before it. */
const pieceFactor = 5;

interface Attempt {
  readonly partition: number;
  readonly attempt: number;
}

interface StartedAttempt extends Attempt {
  readonly startedAt: number;
}

/** What is known of the attempts of a stage, by attempt. */
export interface Evidence {
  failureOf(attempt: Attempt): FailureRecord | undefined;
  /** The latest sign of life. Two executors may run one attempt, when a message came twice. */
  signOf(attempt: Attempt): ProgressRecord | undefined;
  /**
   * Whether the attempt ended with a checkpoint that lies beyond all that were there when it was started. Otherwise going on would lead
   * nowhere: every such attempt adds a batch at least, so that their number is bounded.
   */
  hasAdvanced(attempt: StartedAttempt): boolean;
}

export function evidenceOf(failures: readonly FailureRecord[], progress: readonly ProgressRecord[]): Evidence {
  const name = ({ partition, attempt }: Attempt): string => `${partition}:${attempt}`;
  const failed = new Map(failures.map((failure) => [name(failure), failure]));
  const checkpoints = checkpointsOf(failures);
  const signs = new Map<string, ProgressRecord>();
  for (const record of progress) {
    const last = signs.get(name(record));
    if (last === undefined || record.at > last.at) signs.set(name(record), record);
  }
  return {
    failureOf: (attempt) => failed.get(name(attempt)),
    signOf: (attempt) => signs.get(name(attempt)),
    hasAdvanced(attempt) {
      const reached = failed.get(name(attempt))?.continuesAt;
      if (reached === undefined) return false;
      const known = checkpoints.get(attempt.partition) ?? [];
      return known.every((other) => {
        return other.attempt === attempt.attempt || other.at > attempt.startedAt || other.batches < reached;
      });
    },
  };
}

interface KnownCheckpoint {
  readonly attempt: number;
  readonly at: number;
  readonly batches: number;
}

/** With which attempts ended, by partition. */
function checkpointsOf(failures: readonly FailureRecord[]): ReadonlyMap<number, readonly KnownCheckpoint[]> {
  const found = new Map<number, KnownCheckpoint[]>();
  for (const { partition, attempt, failedAt: at, continuesAt: batches } of failures) {
    if (batches === undefined) continue;
    const known = found.get(partition);
    if (known === undefined) found.set(partition, [{ attempt, at, batches }]);
    else known.push({ attempt, at, batches });
  }
  return found;
}

/** Until when an executor that gave this sign may be silent. */
export function silentAt({ training }: JobSpec, { at, longestPieceMs }: ProgressRecord): number {
  return at + Math.max(training.heartbeatTimeoutSeconds * 1000, pieceFactor * longestPieceMs);
}
