import { suspendsJob, toErrorFacts, type JobId } from "@stampede/core";
import type { CommonDeps } from "../deps.js";
import { commitResult } from "../store/job-store.js";
import { failedResult } from "./result.js";

/**
 * Ends a job because of an error that no further attempt can mend (a damaged record, say). Errors that may pass, or that
 * are not the job's, are thrown again: the queue then delivers the message once more.
 */
export async function failJob(job: JobId, error: unknown, deps: CommonDeps): Promise<void> {
  const facts = toErrorFacts(error);
  if (facts.retryable || facts.code === "job.not-found" || suspendsJob(facts.code)) throw error;
  await failForGood(job, error, deps);
}

/**
 * Ends a job because of an error that others would wait out. One that has ended stays as it is.
 * @throws StampedeError `store.*`
 */
export async function failForGood(
  job: JobId,
  error: unknown,
  deps: Pick<CommonDeps, "store" | "clock" | "unique">,
): Promise<void> {
  const stamp = { token: deps.unique.hex(16), endedAt: deps.clock.now() };
  await commitResult(deps.store, failedResult(job, toErrorFacts(error), stamp));
}
