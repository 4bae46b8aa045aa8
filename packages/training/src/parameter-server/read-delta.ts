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
import { missing } from "../store/records.js";
import { splitTensors, type RoundTensors } from "../round-tensors.js";

/** Deltas that are read ahead while one is being added: memory stays at the model plus this many deltas. */
const readAhead = 2;

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
 * @throws DamagedDelta
 * @throws StampedeError `store.*`; `store.corrupt` for a whole delta of another job, round or partition
 */
export async function* deltasInOrder(
  spec: JobSpec,
  round: number,
  partitions: readonly number[],
  store: ObjectStore,
): AsyncGenerator<ReadDelta> {
  const pending: Promise<ReadDelta>[] = [];
  for (let next = 0; next < partitions.length || pending.length > 0;) {
    while (next < partitions.length && pending.length < readAhead) {
      const reading = readDelta(spec, round, partitions[next] ?? 0, store);
      // Rejections of what was read ahead are seen when its turn comes, or not at all after an earlier one.
      reading.catch(() => undefined);
      pending.push(reading);
      next += 1;
    }
    const first = pending.shift();
    if (first !== undefined) yield await first;
  }
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
  const examples = examplesOf(spec, round, partition);
  const belongs = record.job === job && record.round === round && record.partition === partition;
  if (!belongs || record.examples !== examples) {
    const expected = `job ${job}, round ${round}, partition ${partition}, ${examples} examples`;
    const found = `job ${record.job}, round ${record.round}, partition ${record.partition}, ${record.examples} examples`;
    throw new StampedeError("store.corrupt", `Expected ${key} to be of ${expected}; found ${found}.`, {
      details: { key },
    });
  }
  return { key, record, ...splitTensors(tensors) };
}

async function decodeDelta(
  key: string,
  round: number,
  partition: number,
  store: ObjectStore,
): Promise<ReturnType<typeof decodeTensorRecord<typeof DeltaRecord>>> {
  try {
    const read = await readObject(store, key, (body) => decodeTensorRecord(DeltaRecord, body, key));
    if (read === undefined) throw missing(key);
    return read.value;
  } catch (error) {
    if (!isDamage(error) || !(error instanceof Error)) throw error;
    const found = await store.head(key);
    // Somebody mends it, or removed it: the next look tells.
    if (found === undefined) throw missing(key);
    throw new DamagedDelta(round, partition, found.etag, error);
  }
}
