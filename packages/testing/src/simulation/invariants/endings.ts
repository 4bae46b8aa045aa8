import { decodeRecord, FailureRecord, keys, type JobHead, type JobId } from "@stampede/core";
import type { Ledger, StoredWrite } from "../ledger.js";

/** How attempts of a job ended without an output, as they said it themselves or their platform did, damaged outputs left out. */
export function endingsIn({ writes }: Pick<Ledger, "writes">, job: JobId): readonly FailureRecord[] {
  return endingsOf(writes, keys.rounds(job), /\/failures\//);
}

function endingsOf(writes: readonly StoredWrite[], prefix: string, folder: RegExp): readonly FailureRecord[] {
  return writes.flatMap(({ key, body }) =>
    key.startsWith(prefix) && folder.test(key) ? [decodeRecord(FailureRecord, body, key)] : [],
  );
}

/**
 * Whether the last attempt of a head's task ended with a checkpoint beyond those that were there when it was started; undefined where it
 * left none.
 */
export function hasAdvanced(
  writes: readonly StoredWrite[],
  { job, stage, tasks }: JobHead,
  partition: number,
): boolean | undefined {
  const endings = endingsOf(writes, keys.failures(job, stage), /./).filter((each) => each.partition === partition);
  const last = tasks.attempts[partition];
  const own = endings.find(({ attempt }) => attempt === last)?.continuesAt;
  if (own === undefined) return undefined;
  const startedAt = tasks.startedAt[partition] ?? 0;
  const others = endings.filter(({ attempt }) => attempt !== last);
  return others.every(({ continuesAt = -1, failedAt }) => failedAt > startedAt || continuesAt < own);
}
