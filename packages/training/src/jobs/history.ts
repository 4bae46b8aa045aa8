import {
  isDamage,
  keys,
  resolveMetrics,
  roundsOf,
  type JobId,
  type JobResult,
  type JobSpec,
  type ObjectStore,
  type RoundHistory,
  type RoundRecord,
  type UnreadableRecord,
} from "@stampede/core";
import { readHistoryRecord } from "../gc/history.js";
import { readResult } from "../store/job-store.js";
import { readRoundRecord } from "../store/round-store.js";

/** Records of rounds in their order, and those that cannot be read. */
interface StoredRounds {
  readonly records: readonly RoundRecord[];
  readonly unreadable: readonly UnreadableRecord[];
}

const readsAtOnce = 16;

/** The history of a job's committed rounds, as far as it can be read. */
export async function readHistory(store: ObjectStore, spec: JobSpec): Promise<readonly RoundHistory[]> {
  const result = await readResult(store, spec.job);
  return historyOf(spec, (await readRounds(store, spec, roundsOf(spec), result)).records, result);
}

/**
 * The committed rounds up to `upTo`. What a job has come to does not depend on the records of the rounds before, so one that is damaged
 * or gone is left out instead of being an error.
 */
export async function readRounds(
  store: ObjectStore,
  spec: JobSpec,
  upTo: number,
  result: JobResult | undefined,
): Promise<StoredRounds> {
  const { job, kind } = spec;
  if (kind !== "train") return { records: [], unreadable: [] };
  const kept = result && (await tryHistory(store, spec));
  if (kept !== undefined && "records" in kept) return kept;
  const own = await readOwnRecords(store, spec, upTo, result);
  if (result === undefined || own.records.length === upTo) return own;
  // A garbage collection may have put the history in their place meanwhile.
  const later = await tryHistory(store, spec);
  if (later !== undefined && "records" in later) return later;
  if (later === undefined) return own;
  return { ...own, unreadable: [{ round: undefined, key: keys.history(job), found: later.found }, ...own.unreadable] };
}

/** The rounds of a job as garbage collection left them; undefined where their own records are still there. */
async function tryHistory(
  store: ObjectStore,
  { job }: JobSpec,
): Promise<StoredRounds | { readonly found: "damaged" } | undefined> {
  const read = await unlessDamaged(readHistoryRecord(store, job));
  return read === undefined || read === damaged ? read && { found: damaged } : { records: read.rounds, unreadable: [] };
}

async function readOwnRecords(
  store: ObjectStore,
  { job }: JobSpec,
  upTo: number,
  result: JobResult | undefined,
): Promise<StoredRounds> {
  const read = await readEach(store, job, 1, upTo);
  // Each round begins with the weights of the one before: those before the last one that is there have been.
  const last = Math.max(result?.round ?? 0, read.findLastIndex((record) => record !== undefined) + 1);
  const unreadable = read.slice(0, last).flatMap((record, index): UnreadableRecord[] => {
    if (record !== undefined && record !== damaged) return [];
    const round = index + 1;
    return [{ round, key: keys.weights(job, round), found: record ?? "missing" }];
  });
  return { records: read.filter((record) => record !== undefined && record !== damaged), unreadable };
}

/** The records of some rounds, without those that are not there or damaged. */
export async function readSomeRounds(
  store: ObjectStore,
  job: JobId,
  from: number,
  upTo: number,
): Promise<readonly RoundRecord[]> {
  const read = await readEach(store, job, from, upTo);
  return read.filter((record) => record !== undefined && record !== damaged);
}

async function readEach(
  store: ObjectStore,
  job: JobId,
  from: number,
  upTo: number,
): Promise<readonly (RoundRecord | typeof damaged | undefined)[]> {
  const read: (RoundRecord | typeof damaged | undefined)[] = [];
  for (let first = from; first <= upTo; first += readsAtOnce) {
    const count = Math.min(readsAtOnce, upTo - first + 1);
    const batch = Array.from({ length: count }, (_, index) =>
      unlessDamaged(readRoundRecord(store, job, first + index)),
    );
    read.push(...(await Promise.all(batch)));
  }
  return read;
}

const damaged = "damaged";

async function unlessDamaged<T>(reading: Promise<T>): Promise<T | typeof damaged> {
  try {
    return await reading;
  } catch (error) {
    if (isDamage(error)) return damaged;
    throw error;
  }
}

/** A round's record holds the validation of the weights before it, so each looks one ahead; the last one's is the result's. It is unknown where that record is. */
export function historyOf(
  { partitions }: JobSpec,
  records: readonly RoundRecord[],
  result: JobResult | undefined,
): readonly RoundHistory[] {
  return records.map((record, index) => {
    const { round, committedAt } = record;
    const next = records[index + 1];
    const validation =
      round === result?.round ? result.validation : next?.round === round + 1 ? next.validation : undefined;
    return {
      round,
      committedAt,
      examples: record.contributions.reduce((sum, { examples }) => sum + examples, 0),
      metrics: resolveMetrics(record.metrics),
      validation: validation && resolveMetrics(validation),
      missing: missingIn(record, partitions),
      executors: record.contributions.map(executorOf),
    };
  });
}

function missingIn({ contributions }: RoundRecord, partitions: number): readonly number[] {
  const counted = new Set(
    contributions.flatMap(({ partition, lateFrom }) => (lateFrom === undefined ? [partition] : [])),
  );
  return Array.from({ length: partitions }, (_, partition) => partition).filter((partition) => !counted.has(partition));
}

function executorOf(contribution: RoundRecord["contributions"][number]): RoundHistory["executors"][number] {
  const { partition, attempt, examples, computeMs, tookMs, norm, memoryBytes, lateFrom, metrics } = contribution;
  const { block, kernelReason } = contribution;
  const blocks = contribution.blocks ?? (block === undefined ? undefined : [block]);
  const figures = { examples, computeMs, tookMs, norm, memoryBytes, blocks, kernelReason };
  return { partition, attempt, ...figures, lateFrom, metrics: resolveMetrics(metrics) };
}
