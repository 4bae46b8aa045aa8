import { TaskMessage } from "@stampede/core";
import type { Context } from "aws-lambda";
import { tellMetrics } from "./meter.js";
import { runTask } from "./run-task.js";

/**
 * The executor: invoked asynchronously with one attempt of one task, without a retry by the platform. What it throws, and what kills
 * it, reaches the driver through the queue `invocations`.
 */
export async function handler(event: unknown, context: Context): Promise<void> {
  const task = TaskMessage.parse(event);
  try {
    await runTask(task, Date.now() + context.getRemainingTimeInMillis());
  } finally {
    tellMetrics("executor");
  }
}
