import { InferenceRequest, encodeRecord, parseInput, type JobId } from "@stampede/core";
import { storeRequest, type RequestDeps } from "./request-job.js";

/** An evaluation or prediction, all of it checked. */
export type WantedInference = Omit<InferenceRequest, "version" | "token" | "createdAt">;

/**
 * Asks for a job that evaluates or predicts with the model of another one, and is prepared where its data is. Whether model and data fit
 * each other is found out there, and is then the result of the job.
 *
 * @throws StampedeError `job-file.invalid`; `job.exists`; `store.*`, as `requestJob`
 */
export async function requestInference(wanted: WantedInference, deps: RequestDeps): Promise<JobId> {
  const stamp = { version: 1, token: deps.unique.hex(16), createdAt: deps.clock.now() } as const;
  const request = parseInput(InferenceRequest, { ...wanted, ...stamp }, { code: "job-file.invalid", what: "The job" });
  await storeRequest(request.job, encodeRecord(InferenceRequest, request), undefined, deps);
  return request.job;
}
