import { CancelRecord, encodeRecord, keys, StampedeError, type JobId } from "@stampede/core";
import { createAny } from "../store/commit.js";
import type { CommonDeps } from "../deps.js";
import { commitResult, readResult, readSpec } from "../store/job-store.js";
import { exists } from "../store/records.js";
import { cancelledResult } from "./result.js";

/**
 * Cancels a job, or one that is only requested: its result says so from now on, whether anybody runs it or not. A driver stops at its next look, an executor
 * at its next check, and what they commit meanwhile changes nothing.
 *
 * @throws StampedeError `job.not-found`; `job.not-resumable` when the job has already ended
 */
export async function cancelJob(job: JobId, deps: Pick<CommonDeps, "store" | "clock" | "unique">): Promise<void> {
  const { store, clock, unique } = deps;
  if (!(await exists(store, keys.request(job)))) await readSpec(store, job);
  const earlier = await readResult(store, job);
  const now = clock.now();
  const token = unique.hex(16);
  await createAny(store, keys.cancel(job), encodeRecord(CancelRecord, { version: 1, job, requestedAt: now }));
  await commitResult(store, cancelledResult(job, { token, endedAt: now }));
  const result = await readResult(store, job);
  if (earlier === undefined && result?.status === "cancelled") return;
  const ended = result?.status ?? "unknown";
  throw new StampedeError("job.not-resumable", `Expected an unfinished job, but ${job} has ended (${ended}).`, {
    details: { job },
  });
}
