import {
  decodeRecord,
  encodeRecord,
  HistoryRecord,
  keys,
  readObject,
  type JobId,
  type ObjectStore,
  type RoundRecord,
} from "@stampede/core";
import { createAny } from "../store/commit.js";
import { exists } from "../store/records.js";
import { readRoundRecord } from "../store/round-store.js";

/** Records that are read at the same time. */
const reads = 16;
/** Entries of a history, one for each round and partition, about 250 bytes each: more would not fit one JSON text of reasonable size. */
export const maxHistoryEntries = 200_000;

/** The rounds of an ended job as `collectGarbage` left them; undefined where their own records are still there. */
export async function readHistoryRecord(store: ObjectStore, job: JobId): Promise<HistoryRecord | undefined> {
  const key = keys.history(job);
  return (await readObject(store, key, (body) => decodeRecord(HistoryRecord, body, key)))?.value;
}

/**
 * The records of these rounds in their order; those that are not there are left out.
 * @throws StampedeError `store.*`
 */
export async function readRoundRecords(
  store: ObjectStore,
  job: JobId,
  rounds: readonly number[],
): Promise<readonly RoundRecord[]> {
  const records: RoundRecord[] = [];
  for (let from = 0; from < rounds.length; from += reads) {
    const batch = rounds.slice(from, from + reads).map((round) => readRoundRecord(store, job, round));
    for (const record of await Promise.all(batch)) if (record !== undefined) records.push(record);
  }
  return records;
}

/**
 * Keeps the records of rounds whose weights are about to be removed. The first history of a job is its history: whoever removes
 * weights has written it before, so that a second run, which may find rounds gone, changes nothing.
 *
 * @throws StampedeError `store.*`; `store.corrupt` when the record of a round is damaged
 */
export async function keepHistory(store: ObjectStore, job: JobId, rounds: readonly number[]): Promise<void> {
  const key = keys.history(job);
  if (await exists(store, key)) return;
  const records = await readRoundRecords(store, job, rounds);
  // Slices go with the weights.
  const kept = records.map(({ slices: _, ...record }) => record);
  await createAny(store, key, encodeRecord(HistoryRecord, { version: 1, job, rounds: kept }));
}
