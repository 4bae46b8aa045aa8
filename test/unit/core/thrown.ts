import { isStampedeError, type StampedeError } from "@stampede/core";

/** The StampedeError that `work` throws; anything else, or nothing, fails the test. */
export function thrown(work: () => unknown): StampedeError {
  try {
    work();
  } catch (error) {
    if (isStampedeError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
