import type { JobLimits } from "@stampede/core";
import * as text from "./text.js";

/** Every deadline of a job in one line: a limit that nobody wrote down should not come as a surprise. */
export function limitsLine(limits: JobLimits): string {
  const { taskTimeoutSeconds, maxAttempts, heartbeatTimeoutSeconds, jobTimeoutSeconds, backups } = limits;
  const task = [
    `a task ${text.limit(taskTimeoutSeconds)}`,
    text.counted(maxAttempts, "attempt"),
    `silent after ${text.limit(heartbeatTimeoutSeconds)}`,
    `slow tasks are ${backups ? "backed up" : "waited for"}`,
  ].join(", ");
  const job = `the job: ${jobTimeoutSeconds === undefined ? "none" : text.limit(jobTimeoutSeconds)}`;
  return `limits: ${[task, ...roundLimit(limits), job].join("; ")}`;
}

function roundLimit({ quorum, graceSeconds }: JobLimits): readonly string[] {
  if (quorum === 1) return [];
  const share = Number((quorum * 100).toFixed(3));
  return [`a round ends with ${share} % of its tasks, ${text.limit(graceSeconds)} after the usual time at the latest`];
}
