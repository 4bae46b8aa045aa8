import {
  CloseRecord,
  decodeTensorRecord,
  decodeTensorRecordHeader,
  decodeTensorRecordLayout,
  keys,
  partitionOfOutput,
  readObject,
  RoundRecord,
  type JobId,
  type NamedTensors,
  type ObjectStore,
  type Stage,
  type TensorLayout,
} from "@stampede/core";
import { splitNames } from "../round-tensors.js";
import { readHeader } from "./headers.js";
import { missing, readRecord } from "./records.js";
import { assembleSlices } from "./slices.js";

/** Reads what a round has come to: its outputs, its weights and what went into them. */

/**
 * The record and the tensors of a round, whether they are in one object or in slices.
 * @throws StampedeError `store.missing`, `store.corrupt`
 */
export async function readWeights(
  store: Pick<ObjectStore, "get">,
  job: JobId,
  round: number,
): Promise<{ readonly record: RoundRecord; readonly tensors: NamedTensors }> {
  const key = keys.weights(job, round);
  const read = await readObject(store, key, (body) => decodeTensorRecord(RoundRecord, body, key));
  if (read === undefined) throw missing(key);
  const { record } = read.value;
  if (record.slices === undefined) return read.value;
  return { record, tensors: await assembleSlices(store, job, round, record.slices) };
}

/** The record of a round without its tensors: one or two small ranged reads. */
export async function readRoundRecord(store: ObjectStore, job: JobId, round: number): Promise<RoundRecord | undefined> {
  const key = keys.weights(job, round);
  const read = await readHeader(store, key, (prefix) => decodeTensorRecordHeader(RoundRecord, prefix, key));
  return read?.value;
}

/** What the weights of a job are like: those that it began with have the names and shapes of all that follow. */
export async function readLayout(store: Pick<ObjectStore, "get">, job: JobId): Promise<readonly TensorLayout[]> {
  const key = keys.weights(job, 0);
  const read = await readHeader(store, key, (prefix) => decodeTensorRecordLayout(RoundRecord, prefix, key));
  if (read === undefined) throw missing(key);
  return splitNames(read.value.entries).weights;
}

/** The partitions of a stage whose output is committed. */
export async function listOutputs(store: ObjectStore, job: JobId, stage: Stage): Promise<ReadonlySet<number>> {
  const partitions = new Set<number>();
  for await (const { key } of store.list(keys.outputs(job, stage))) {
    const partition = partitionOfOutput(key, job, stage);
    if (partition !== undefined) partitions.add(partition);
  }
  return partitions;
}

/** Which deltas a round ends with although some are missing; undefined where that is not committed. */
export function readClose(store: ObjectStore, job: JobId, round: number): Promise<CloseRecord | undefined> {
  return readRecord(store, CloseRecord, keys.close(job, round));
}
