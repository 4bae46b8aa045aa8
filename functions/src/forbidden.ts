import { isStampedeError, JobId } from "@stampede/core";
import { failForGood } from "@stampede/training";
import { commonDeps } from "./deps.js";
import { logger } from "./log.js";

/** Within a quarter of a minute: permissions that were given a moment ago take some seconds to be known everywhere. */
const patientDeliveries = 4;

/**
 * Ends the job of a message that a function cannot handle because it lacks a permission: it would lack it as well in five minutes, when the
 * message is a dead letter, and whoever waits for the job should know.
 *
 * @returns whether the job has ended, and the message is done with
 */
export async function endIfForbidden(text: string | undefined, error: unknown, receiveCount: number): Promise<boolean> {
  const job = JobId.safeParse(text);
  const isForbidden = isStampedeError(error) && error.code === "store.forbidden";
  if (!job.success || !isForbidden || receiveCount < patientDeliveries) return false;
  try {
    await failForGood(job.data, error, commonDeps());
    return true;
  } catch (other) {
    logger.error("job not ended", { job: job.data, reason: String(other) });
    return false;
  }
}
