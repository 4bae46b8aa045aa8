import { isStampedeError, keys, StampedeError, type JobId } from "@stampede/core";
import type { DriverDeps } from "../deps.js";
import { exists } from "../store/records.js";

/**
 * Makes a job of a request before anything else can be done with it.
 * @throws StampedeError `job.not-found`; what passes, see `prepareJob`
 */
export async function prepareFirst(job: JobId, { prepare }: DriverDeps): Promise<"running" | "ended"> {
  if (prepare === undefined) {
    const message = `Expected job ${job} to be submitted by a client, found a request to prepare it; nothing here does that.`;
    throw new StampedeError("job.not-found", message, { details: { job } });
  }
  return (await prepare(job)) === "failed" ? "ended" : "running";
}

/** Whether a look found no job because it is yet to be made of a request. */
export async function isToBePrepared(job: JobId, error: unknown, { store, prepare }: DriverDeps): Promise<boolean> {
  const isMissing = isStampedeError(error) && error.code === "job.not-found";
  return isMissing && prepare !== undefined && (await exists(store, keys.request(job)));
}
