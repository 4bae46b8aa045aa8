import { keys, StampedeError, toErrorFacts, type JobId } from "@stampede/core";
import type { CommonDeps } from "../deps.js";
import { createAny } from "../store/commit.js";

/** A function that dies while it prepares a job, or fails of what nobody foresaw, is tried again: so often, and no more. */
const maxAttempts = 5;

const withoutAWord = "it ended without a word, as it does when its memory or its time are over.";

/**
 * Does work that may end its process (for want of memory or time), so often at most: a mark is there while it is done, and stays when it
 * ended without a word or in a way that nobody foresaw. What ended otherwise does not count.
 *
 * @throws StampedeError `job.failed` when there were too many attempts; otherwise what `work` throws
 */
export async function asAttempt<T>(
  job: JobId,
  { store, unique }: Pick<CommonDeps, "store" | "unique">,
  work: () => Promise<T>,
): Promise<T> {
  let before = 0;
  for await (const _ of store.list(keys.preparations(job))) before += 1;
  if (before >= maxAttempts) throw gaveUp(job, withoutAWord);
  const mark = keys.preparation(job, unique.hex(16));
  await createAny(store, mark, new Uint8Array());
  try {
    const done = await work();
    await store.delete(mark);
    return done;
  } catch (error) {
    const { retryable, code, message } = toErrorFacts(error);
    const isForeseen = !retryable || code.startsWith("store.");
    if (isForeseen) await store.delete(mark);
    else if (before + 1 >= maxAttempts) throw gaveUp(job, message, error);
    throw error;
  }
}

function gaveUp(job: JobId, reason: string, cause?: unknown): StampedeError {
  const message =
    `Expected job ${job} to be prepared (its model built and compiled); ${maxAttempts} attempts failed, the last one because: ${reason} ` +
    "The job ends as failed. Prepare it on a machine of your own, or raise the limits of the driver function.";
  return new StampedeError("job.failed", message, { details: { job }, cause });
}
