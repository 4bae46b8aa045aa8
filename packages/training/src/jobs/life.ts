import {
  roundOfKey,
  keys,
  type DeadTaskView,
  type FailedAttempt,
  type JobSpec,
  type ObjectStore,
  type Retry,
  type Stage,
} from "@stampede/core";
import { readDeadLetter, readFailures, readRetries } from "../store/attempt-store.js";

/** What went wrong in a job, and was tried again. */
export interface Trouble {
  readonly failures: readonly FailedAttempt[];
  readonly retries: readonly Retry[];
  readonly deadTask: DeadTaskView | undefined;
}

export async function readTrouble(store: ObjectStore, spec: JobSpec): Promise<Trouble> {
  const [troubled, deadTask] = await Promise.all([troubledStages(store, spec), readDeadTask(store, spec)]);
  const failures: FailedAttempt[] = [];
  const retries: Retry[] = [];
  for (const stage of troubled) {
    const [failed, retried] = await Promise.all([
      readFailures(store, spec.job, stage),
      readRetries(store, spec.job, stage),
    ]);
    for (const { partition, attempt, failedAt: at, error, continuesAt } of failed) {
      // It ended without an output, and has not failed: the next attempt goes on from its checkpoint.
      if (continuesAt !== undefined) continue;
      const { code, message } = error;
      failures.push({ stage: stageName(stage), partition, attempt, at, code, message });
    }
    for (const { partition, attempt, at, why, error } of retried) {
      retries.push({ stage: stageName(stage), partition, attempt, at, why, code: error?.code });
    }
  }
  return { failures, retries, deadTask };
}

/** `train 3` */
function stageName({ kind, round }: Stage): string {
  return `${kind} ${round}`;
}

/** Stages with a failure or a retry, in the order of rounds: one look at the job's folder instead of two a round. */
export async function troubledStages(store: ObjectStore, { job }: JobSpec): Promise<readonly Stage[]> {
  const found = new Map<string, Stage>();
  for await (const { key } of store.list(keys.rounds(job))) {
    const round = roundOfKey(key, job);
    if (round === undefined) continue;
    for (const kind of ["train", "evaluate", "predict"] as const) {
      const stage = { kind, round };
      const folders = [keys.failures(job, stage), keys.damages(job, stage), keys.retries(job, stage)];
      if (folders.some((folder) => key.startsWith(folder))) found.set(stageName(stage), stage);
    }
  }
  return [...found.values()];
}

async function readDeadTask(store: ObjectStore, { job }: JobSpec): Promise<DeadTaskView | undefined> {
  const letter = await readDeadLetter(store, job);
  if (letter === undefined) return undefined;
  const { stage, partition, at, attempts, error, failures } = letter;
  const reasons = failures.map(({ attempt, error: { code, message } }) => ({ attempt, code, message }));
  return { stage: stageName(stage), partition, at, attempts, code: error.code, message: error.message, reasons };
}
