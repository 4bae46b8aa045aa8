import { DriverMessage, encodeMessage, TaskMessage, toErrorFacts } from "@stampede/core";
import { commonDeps } from "./deps.js";
import { logger } from "./log.js";
import { tellMetrics } from "./meter.js";
import { runTask } from "./run-task.js";

/** The container of AWS Batch: one attempt of one task, which stands in the variable STAMPEDE_TASK. Exit code 1 when it failed. */
let task: TaskMessage | undefined;
try {
  task = TaskMessage.parse(JSON.parse(process.env["STAMPEDE_TASK"] ?? "null"));
  await runTask(task, task.deadlineAt);
} catch (error) {
  logger.error("the task ended without a result", error instanceof Error ? error : new Error(String(error)));
  process.exitCode = 1;
  // What Batch itself tells of a container is its exit code.
  if (task !== undefined) await report(task, error);
} finally {
  tellMetrics("batch");
}

async function report(failed: TaskMessage, error: unknown): Promise<void> {
  const message = { version: 1, type: "invocation-failed", task: failed, error: toErrorFacts(error) } as const;
  await commonDeps().queues.driver.send(encodeMessage(DriverMessage, message));
}
