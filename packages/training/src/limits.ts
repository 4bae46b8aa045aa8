import type { JobLimits, TrainingSettings } from "@stampede/core";

/** What ends or repeats work of a job that takes too long. */
export function limitsOf(training: TrainingSettings): JobLimits {
  const { taskTimeoutSeconds, maxAttempts, heartbeatTimeoutSeconds, jobTimeoutSeconds } = training;
  const { backups, quorum, graceSeconds } = training;
  return {
    taskTimeoutSeconds,
    maxAttempts,
    heartbeatTimeoutSeconds,
    ...(jobTimeoutSeconds !== undefined && { jobTimeoutSeconds }),
    backups,
    quorum,
    graceSeconds,
  };
}
