import type { AnyRequest, JobId, ObjectStore } from "@stampede/core";
import { findRequest } from "@stampede/training";

/** What a job was asked for with. */
export async function readRequestOf(store: ObjectStore, job: JobId): Promise<AnyRequest> {
  const request = await findRequest(store, job);
  if (request === undefined) throw new Error(`${job} was never requested`);
  return request;
}
