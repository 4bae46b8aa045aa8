import {
  attemptOfFailure,
  DeadLetterRecord,
  encodeRecord,
  FailureRecord,
  keys,
  ProgressRecord,
  RetryRecord,
  type JobId,
  type ObjectStore,
  type Stage,
} from "@stampede/core";
import { createAny } from "./commit.js";
import { readAll, readRecord } from "./records.js";

/** Reads and commits what became of attempts. */

/** Attempts that failed; those that are continued have not. */
export async function readFailures(store: ObjectStore, job: JobId, stage: Stage): Promise<readonly FailureRecord[]> {
  return (await readEndings(store, job, stage)).filter(({ continuesAt }) => continuesAt === undefined);
}

/**
 * Attempts that ended without an output, and after those the ones whose output was found damaged: of two records of one attempt the later one counts. A
 * record that is damaged itself still says what its key does.
 */
export async function readEndings(store: ObjectStore, job: JobId, stage: Stage): Promise<readonly FailureRecord[]> {
  const [failures, damages] = await Promise.all(
    [keys.failures(job, stage), keys.damages(job, stage)].map((prefix) =>
      readAll(store, FailureRecord, prefix, (key, error) => failureFrom(key, error, job, stage)),
    ),
  );
  return [...(failures ?? []), ...(damages ?? [])];
}

function failureFrom(key: string, { message }: Error, job: JobId, stage: Stage): FailureRecord | undefined {
  const attempt = attemptOfFailure(key);
  if (attempt === undefined) return undefined;
  const code = attempt.damagedObject === undefined ? "store.corrupt" : "task.output-damaged";
  return { version: 1, job, stage, ...attempt, failedAt: 0, error: { code, message, retryable: true } };
}

export function readRetries(store: ObjectStore, job: JobId, stage: Stage): Promise<readonly RetryRecord[]> {
  return readAll(store, RetryRecord, keys.retries(job, stage));
}

/** Signs of life of a stage's executors: one for each that has begun. */
export function readProgress(store: ObjectStore, job: JobId, stage: Stage): Promise<readonly ProgressRecord[]> {
  return readAll(store, ProgressRecord, keys.progresses(job, stage));
}

/** The task that the job failed of, if it was one. */
export function readDeadLetter(store: ObjectStore, job: JobId): Promise<DeadLetterRecord | undefined> {
  return readRecord(store, DeadLetterRecord, keys.deadLetter(job));
}

/** Records that an attempt's output is damaged: a fact of its own, which no other failure of the attempt may hide. */
export async function commitDamage(
  store: ObjectStore,
  damage: FailureRecord & { readonly damagedObject: string },
): Promise<void> {
  const { job, stage, partition, attempt, damagedObject } = damage;
  const key = keys.damage(job, stage, partition, attempt, damagedObject);
  await createAny(store, key, encodeRecord(FailureRecord, damage));
}

/** Records how an attempt ended without an output; a second report of the same attempt changes nothing. */
export async function commitFailure(store: ObjectStore, failure: FailureRecord): Promise<void> {
  const { job, stage, partition, attempt } = failure;
  await createAny(store, keys.failure(job, stage, partition, attempt), encodeRecord(FailureRecord, failure));
}
