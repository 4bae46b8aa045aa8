import { decodeMessage, StampedeError, TaskMessage } from "@stampede/core";
import * as z from "zod";
import { lastWords, type FailedTask } from "../failed-task.js";
import { taskVariable } from "./task-variable.js";

const Text = z.string().max(1_048_576);

/** https://docs.aws.amazon.com/batch/latest/userguide/batch_job_events.html */
export const FailedJobEvent = z.object({
  "detail-type": z.literal("Batch Job State Change"),
  detail: z.object({
    jobId: z.string().max(200),
    status: z.string().max(50),
    statusReason: Text.default(""),
    container: z
      .object({
        environment: z.array(z.object({ name: Text, value: Text.default("") })).default([]),
        exitCode: z.number().int().optional(),
        reason: Text.default(""),
        logStreamName: z.string().max(1_000).optional(),
      })
      .optional(),
  }),
});
export type FailedJobEvent = z.infer<typeof FailedJobEvent>;

type Detail = FailedJobEvent["detail"];

/**
 * Undefined when the job has not failed, or carried no task: other jobs have the same rule.
 * @throws StampedeError `message.invalid` when what it carried is no task
 */
export function failureOfJob({ detail }: FailedJobEvent): FailedTask | undefined {
  if (detail.status !== "FAILED") return undefined;
  const carried = detail.container?.environment.findLast(({ name }) => name === taskVariable);
  if (carried === undefined) return undefined;
  return { task: decodeMessage(TaskMessage, carried.value, "invocations"), error: errorOf(detail) };
}

/** 128 + SIGABRT: V8 ends so when its heap is full. */
const abortedCode = 134;

function errorOf(detail: Detail): StampedeError {
  const { jobId, statusReason, container } = detail;
  const { exitCode, reason = "", logStreamName } = container ?? {};
  const details = { platform: "batch", batchJob: jobId, exitCode, logStream: logStreamName };
  const said = foundIn(detail);
  if (/exceeded timeout/i.test(statusReason)) {
    const message = `Expected a task to finish before its deadline; its Batch job was stopped: ${said}.`;
    return new StampedeError("task.timed-out", message, { details });
  }
  if (/OutOfMemory/i.test(reason) || exitCode === abortedCode) {
    const message =
      `Expected a task to need at most the memory of its Batch job, found that it ended: ${said}. ` +
      "Its container is replaced; use more executors (smaller partitions) or raise the limit.";
    return new StampedeError("task.out-of-memory", message, { details });
  }
  const message = `Expected a Batch job to finish its task, found ${said}. The task is tried again.`;
  return new StampedeError("task.crashed", message, { details });
}

/** Everything that the event says, and where the rest stands: it carries no line of the log. */
function foundIn({ statusReason, container }: Detail): string {
  const { exitCode, reason = "", logStreamName } = container ?? {};
  const parts = [
    lastWords(statusReason),
    lastWords(reason),
    exitCode === undefined ? "" : `exit code ${exitCode}`,
    logStreamName === undefined ? "" : `log stream ${lastWords(logStreamName)}`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "that it ended without a word" : parts.join("; ");
}
