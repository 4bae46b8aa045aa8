import { StampedeError } from "@stampede/core";
import type { Isolation } from "./worker.js";

/** @param found after "found", without a full stop */
export function crashed(
  isolation: Isolation,
  found: string,
  { details, cause }: { readonly details?: Readonly<Record<string, string | number>>; readonly cause?: unknown } = {},
): StampedeError {
  const message = `Expected a ${isolation} to finish its task, found ${found}. The ${isolation} is replaced.`;
  return new StampedeError("task.crashed", message, { ...(details && { details }), cause });
}

export function outOfMemory(
  isolation: Isolation,
  memoryLimitMb: number,
  found: string,
  cause?: unknown,
): StampedeError {
  const message =
    `Expected a task to need at most ${memoryLimitMb} MiB, found ${found}. Its ${isolation} is replaced; ` +
    "use more executors (smaller partitions) or raise the limit.";
  return new StampedeError("task.out-of-memory", message, { details: { memoryLimitMb }, cause });
}

export function timedOut(found: string): StampedeError {
  return new StampedeError("task.timed-out", `Expected a task to finish before its deadline; ${found}.`);
}

export function closedPool(): StampedeError {
  return new StampedeError("job.interrupted", "The executors were stopped; what was committed is kept.");
}
