import {
  encodeRecord,
  decodeRecord,
  JobHead,
  JobResult,
  JobSpec,
  keys,
  readObject,
  StampedeError,
  type JobId,
  type NextHead,
  type ObjectStore,
  type UniqueSource,
} from "@stampede/core";
import { createAny } from "./commit.js";
import { readRecord } from "./records.js";

/** Reads and commits what a job is and how it stands. Stateless, as all of this folder: every call goes to the store. */

/** @throws StampedeError `job.not-found`, `store.corrupt` */
export async function readSpec(store: ObjectStore, job: JobId): Promise<JobSpec> {
  const key = keys.spec(job);
  const spec = await readRecord(store, JobSpec, key);
  if (spec === undefined) {
    throw new StampedeError("job.not-found", `Expected job ${job} in the store, found no ${key}.`, {
      details: { job },
    });
  }
  return spec;
}

export async function readHead(
  store: ObjectStore,
  job: JobId,
): Promise<{ readonly head: JobHead; readonly etag: string } | undefined> {
  const key = keys.head(job);
  const read = await readObject(store, key, (body) => decodeRecord(JobHead, body, key));
  return read && { head: read.value, etag: read.etag };
}

/**
 * Commits the next head over the one that was read, or answers `conflict`. A conflict with oneself is none: when an answer was lost and
 * the write tried again, the head in place carries this call's token.
 */
export async function commitHead(
  store: ObjectStore,
  job: JobId,
  next: NextHead,
  over: { readonly etag: string } | undefined,
  unique: UniqueSource,
): Promise<"committed" | "conflict"> {
  const key = keys.head(job);
  const token = unique.hex(16);
  const body = encodeRecord(JobHead, { version: 1, job, token, ...next });
  const outcome = over === undefined ? await store.create(key, body) : await store.replace(key, body, over.etag);
  if (outcome !== "conflict") return "committed";
  return (await readHead(store, job))?.head.token === token ? "committed" : "conflict";
}

export async function readResult(store: ObjectStore, job: JobId): Promise<JobResult | undefined> {
  return readRecord(store, JobResult, keys.result(job));
}

/** The first result of a job is its result; a later one changes nothing. */
export async function commitResult(store: ObjectStore, result: JobResult): Promise<void> {
  const { job } = result;
  await createAny(store, keys.result(job), encodeRecord(JobResult, result));
  await store.delete(keys.unfinishedJob(job));
}
