import {
  decodeTensorRecord,
  DeltaRecord,
  examplesOf,
  isDamage,
  keys,
  readObject,
  StampedeError,
  type JobSpec,
  type ObjectStore,
} from "@stampede/core";
import { inOrder } from "../in-order.js";
import { missing } from "../store/records.js";
import { splitTensors, type RoundTensors } from "../round-tensors.js";

/** What may be in memory while one is being added, where that is more than the least number of reads. */
const readAheadBytes = 16 * 2 ** 20;
const leastReads = 2;
const mostReads = 32;

export interface ReadDelta extends RoundTensors {
  readonly key: string;
  readonly record: DeltaRecord;
}

/** A committed delta that cannot be decoded: it is not averaged in, and its task has to be done again. */
export class DamagedDelta extends Error {
  override readonly name = "DamagedDelta";
  readonly round: number;
  readonly partition: number;
  /** Of what was found damaged. */
  readonly etag: string;

  constructor(round: number, partition: number, etag: string, cause: Error) {
    super(cause.message, { cause });
    this.round = round;
    this.partition = partition;
    this.etag = etag;
  }
}

/**
 * Reads deltas of one round in the given order.
 *
 * @param weightBytes of the model, by which is judged how many deltas may be in memory at the same time
 * @throws DamagedDelta
 * @throws StampedeError `store.*`; `store.corrupt` for a whole delta of another job, round or partition
 */
export function deltasInOrder(
  spec: JobSpec,
  round: number,
  partitions: readonly number[],
  weightBytes: number,
  store: ObjectStore,
): AsyncGenerator<ReadDelta> {
  return inOrder(partitions, readAheadOf(weightBytes), (partition) => readDelta(spec, round, partition, store));
}

/** How many objects, or parts of objects, of this size are read at the same time: many small ones, because each answer takes its time. */
export function readAheadOf(bytes: number): number {
  return Math.min(mostReads, Math.max(leastReads, Math.floor(readAheadBytes / Math.max(1, bytes))));
}

export async function readDelta(
  spec: JobSpec,
  round: number,
  partition: number,
  store: ObjectStore,
): Promise<ReadDelta> {
  const { job } = spec;
  const key = keys.output(job, { kind: "train", round }, partition);
  const { record, tensors } = await decodeDelta(key, round, partition, store);
  refuseForeign(spec, { round, partition }, record, key);
  return { key, record, ...splitTensors(tensors) };
}

/** @throws StampedeError `store.corrupt` where the record is of another delta than the key says */
export function refuseForeign(
  spec: JobSpec,
  { round, partition }: { readonly round: number; readonly partition: number },
  record: DeltaRecord,
  key: string,
): void {
  const { job } = spec;
  const examples = examplesOf(spec, round, partition);
  const belongs = record.job === job && record.round === round && record.partition === partition;
  if (belongs && record.examples === examples) return;
  const expected = `job ${job}, round ${round}, partition ${partition}, ${examples} examples`;
  const found = `job ${record.job}, round ${record.round}, partition ${record.partition}, ${record.examples} examples`;
  throw new StampedeError("store.corrupt", `Expected ${key} to be of ${expected}; found ${found}.`, {
    details: { key },
  });
}

async function decodeDelta(
  key: string,
  round: number,
  partition: number,
  store: ObjectStore,
): Promise<ReturnType<typeof decodeTensorRecord<typeof DeltaRecord>>> {
  return orDamaged(key, { round, partition }, store, async () => {
    const read = await readObject(store, key, (body) => decodeTensorRecord(DeltaRecord, body, key));
    if (read === undefined) throw missing(key);
    return read.value;
  });
}

/** @throws DamagedDelta where `read` finds the delta damaged */
export async function orDamaged<T>(
  key: string,
  { round, partition }: { readonly round: number; readonly partition: number },
  store: ObjectStore,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isDamage(error) || !(error instanceof Error)) throw error;
    const found = await store.head(key);
    // Somebody mends it, or removed it: the next look tells.
    if (found === undefined) throw missing(key);
    throw new DamagedDelta(round, partition, found.etag, error);
  }
}
