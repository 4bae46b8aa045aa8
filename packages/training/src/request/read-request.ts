import { AnyRequest, keys, StampedeError, type JobId, type ObjectStore } from "@stampede/core";
import { readRecord } from "../store/records.js";

/** Undefined for a job that was not requested but submitted, and for one that is none. */
export function findRequest(store: ObjectStore, job: JobId): Promise<AnyRequest | undefined> {
  return readRecord(store, AnyRequest, keys.request(job));
}

/** @throws StampedeError `job.not-found`, `store.corrupt` */
export async function readRequest(store: ObjectStore, job: JobId): Promise<AnyRequest> {
  const request = await findRequest(store, job);
  if (request !== undefined) return request;
  const message = `Expected job ${job} in the store, found no ${keys.request(job)}.`;
  throw new StampedeError("job.not-found", message, { details: { job } });
}
