import {
  CloseRecord,
  decodeTensorRecord,
  decodeTensorRecordHeader,
  isDamage,
  keys,
  partitionOfOutput,
  readObject,
  RoundRecord,
  safetensorsHeaderEnd,
  type JobId,
  type NamedTensors,
  type ObjectStore,
  type Stage,
  type StoredObject,
} from "@stampede/core";
import { missing, readRecord } from "./records.js";

/** Reads what a round has come to: its outputs, its weights and what went into them. */

const firstLookBytes = 65_536;
/** A safetensors file begins with the length of its header. */
const lengthBytes = 8;

/** @throws StampedeError `store.missing`, `store.corrupt` */
export async function readWeights(
  store: ObjectStore,
  job: JobId,
  round: number,
): Promise<{ readonly record: RoundRecord; readonly tensors: NamedTensors }> {
  const key = keys.weights(job, round);
  const read = await readObject(store, key, (body) => decodeTensorRecord(RoundRecord, body, key));
  if (read === undefined) throw missing(key);
  return read.value;
}

/** The record of a round without its tensors: one or two small ranged reads. */
export async function readRoundRecord(store: ObjectStore, job: JobId, round: number): Promise<RoundRecord | undefined> {
  const key = keys.weights(job, round);
  // A header that is cut short, or damaged, is looked at once more, as `readObject` does.
  return (await readObject({ get: (name) => headerOf(store, name) }, key, (body) => roundRecordIn(body, key)))?.value;
}

function roundRecordIn(header: Uint8Array, key: string): RoundRecord {
  return decodeTensorRecordHeader(RoundRecord, header, key);
}

/** The first bytes of a safetensors object: all of its header. */
async function headerOf(store: ObjectStore, key: string): Promise<StoredObject | undefined> {
  const first = await store.get(key, { start: 0, end: firstLookBytes });
  if (first === undefined) return undefined;
  const headerEnd = headerEndOf(first.body, key);
  return headerEnd <= first.body.length ? first : store.get(key, { start: 0, end: headerEnd });
}

/** 0 where the bytes do not tell: whoever decodes them will refuse them. */
function headerEndOf(body: Uint8Array, key: string): number {
  try {
    return body.length < lengthBytes ? 0 : safetensorsHeaderEnd(body, key);
  } catch (error) {
    if (isDamage(error)) return 0;
    throw error;
  }
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
