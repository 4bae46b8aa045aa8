import {
  decodeRecord,
  decodeTensorRecord,
  decodeTensorRecordHeader,
  encodeRecord,
  FailureRecord,
  JobHead,
  JobResult,
  JobSpec,
  keys,
  partitionOfOutput,
  RoundRecord,
  safetensorsHeaderEnd,
  StampedeError,
  type JobId,
  type NamedTensors,
  type NextHead,
  type ObjectStore,
  type Stage,
  type UniqueSource,
} from "@stampede/core";

/** Reads and commits the records of jobs. Stateless: every call goes to the store. */

/** @throws StampedeError `job.not-found`, `store.corrupt` */
export async function readSpec(store: ObjectStore, job: JobId): Promise<JobSpec> {
  const key = keys.spec(job);
  const object = await store.get(key);
  if (object === undefined) {
    throw new StampedeError("job.not-found", `Expected job ${job} in the store, found no ${key}.`, {
      details: { job },
    });
  }
  return decodeRecord(JobSpec, object.body, key);
}

export async function readHead(
  store: ObjectStore,
  job: JobId,
): Promise<{ readonly head: JobHead; readonly etag: string } | undefined> {
  const key = keys.head(job);
  const object = await store.get(key);
  return object && { head: decodeRecord(JobHead, object.body, key), etag: object.etag };
}

/** Commits the next head over the one that was read, or answers `conflict`. */
export async function commitHead(
  store: ObjectStore,
  job: JobId,
  next: NextHead,
  over: { readonly etag: string } | undefined,
  unique: UniqueSource,
): Promise<"committed" | "conflict"> {
  const key = keys.head(job);
  const body = encodeRecord(JobHead, { version: 1, job, token: unique.hex(16), ...next });
  const outcome = over === undefined ? await store.create(key, body) : await store.replace(key, body, over.etag);
  return outcome === "conflict" ? "conflict" : "committed";
}

export async function readResult(store: ObjectStore, job: JobId): Promise<JobResult | undefined> {
  const key = keys.result(job);
  const object = await store.get(key);
  return object && decodeRecord(JobResult, object.body, key);
}

/** The first result of a job is its result; a later one changes nothing. */
export async function commitResult(store: ObjectStore, result: JobResult): Promise<void> {
  await store.create(keys.result(result.job), encodeRecord(JobResult, result));
}

/** @throws StampedeError `store.missing`, `store.corrupt` */
export async function readWeights(
  store: ObjectStore,
  job: JobId,
  round: number,
): Promise<{ readonly record: RoundRecord; readonly tensors: NamedTensors }> {
  const key = keys.weights(job, round);
  const object = await store.get(key);
  if (object === undefined) throw missing(key);
  return decodeTensorRecord(RoundRecord, object.body, key);
}

const firstLookBytes = 65_536;

/** The record of a round without its tensors: one or two small ranged reads. */
export async function readRoundRecord(store: ObjectStore, job: JobId, round: number): Promise<RoundRecord | undefined> {
  const key = keys.weights(job, round);
  const first = await store.get(key, { start: 0, end: firstLookBytes });
  if (first === undefined) return undefined;
  const headerEnd = safetensorsHeaderEnd(first.body, key);
  if (headerEnd <= first.body.length) return decodeTensorRecordHeader(RoundRecord, first.body, key);
  const whole = await store.get(key, { start: 0, end: headerEnd });
  if (whole === undefined) throw missing(key);
  return decodeTensorRecordHeader(RoundRecord, whole.body, key);
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

export async function readFailures(store: ObjectStore, job: JobId, stage: Stage): Promise<readonly FailureRecord[]> {
  const failures: FailureRecord[] = [];
  for await (const { key } of store.list(keys.failures(job, stage))) {
    const object = await store.get(key);
    if (object !== undefined) failures.push(decodeRecord(FailureRecord, object.body, key));
  }
  return failures;
}

/** Records that an attempt failed; a second report of the same attempt changes nothing. */
export async function commitFailure(store: ObjectStore, failure: FailureRecord): Promise<void> {
  const { job, stage, partition, attempt } = failure;
  await store.create(keys.failure(job, stage, partition, attempt), encodeRecord(FailureRecord, failure));
}

export async function exists(store: ObjectStore, key: string): Promise<boolean> {
  return (await store.head(key)) !== undefined;
}

export function missing(key: string): StampedeError {
  return new StampedeError("store.missing", `Expected object ${key} in the store, found none. The job cannot go on.`, {
    details: { key },
  });
}
