import { setTimeout as sleep } from "node:timers/promises";
import { isStampedeError, StampedeError, type JobId } from "@stampede/core";
import { systemClock } from "@stampede/local/folder";

/** How often a job in the cloud is looked at. */
export const lookMs = 1_000;
/** So long a network may be away before whoever waits for a job hears of it. */
const patienceMs = 60_000;

/**
 * Looks at a job in the cloud, once a second, until a look answers.
 *
 * @throws StampedeError `job.interrupted` when `signal` aborts: the job goes on all the same; `store.unavailable` when the store does not
 *   answer for a minute; what else `look` throws
 */
export async function lookUntil<T>(
  job: JobId,
  look: () => Promise<T | undefined>,
  signal: AbortSignal | undefined,
): Promise<T> {
  let heardAt = systemClock.now();
  for (;;) {
    try {
      const answer = await unlessAborted(look(), job, signal);
      heardAt = systemClock.now();
      if (answer !== undefined) return answer;
    } catch (error) {
      const mayPass = isStampedeError(error) && error.code === "store.unavailable";
      if (!mayPass || systemClock.now() - heardAt > patienceMs) throw error;
    }
    await unlessAborted(sleep(lookMs, undefined, { signal }), job, signal);
  }
}

/** @throws StampedeError `job.interrupted` as soon as `signal` aborts; what is under way is left to itself */
async function unlessAborted<T>(work: Promise<T>, job: JobId, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(interrupted(job));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, aborted]);
  } catch (error) {
    throw signal.aborted ? interrupted(job) : error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function interrupted(job: JobId): StampedeError {
  const message = `Job ${job} is no longer waited for. It goes on in the cloud; resume it to wait for it again.`;
  return new StampedeError("job.interrupted", message, { details: { job } });
}
