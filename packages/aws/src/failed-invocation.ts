import { decodeMessage, DeltaMessage, toErrorFacts, type DriverMessage } from "@stampede/core";
import * as z from "zod";
import { FailedJobEvent, failureOfJob } from "./batch/failed-job.js";
import type { FailedTask } from "./failed-task.js";
import { FailedFunctionRecord, failureOfFunction, failureOfSharder } from "./lambda/failed-function.js";

const queueName = "invocations";

/**
 * What AWS puts on the queue `invocations` when an executor ended without a word: Lambda's record of an asynchronous invocation that
 * failed, or EventBridge's event about a Batch job. Undefined when it is about somebody else's function or job.
 *
 * @throws StampedeError `message.invalid` when it is neither of the two
 */
export function failedInvocationOf(body: string): Extract<DriverMessage, { type: "invocation-failed" }> | undefined {
  const failed = "detail-type" in decodeMessage(z.looseObject({}), body, queueName) ? jobIn(body) : functionIn(body);
  if (failed === undefined) return undefined;
  const { task, error } = failed;
  return { version: 1, type: "invocation-failed", task, error: toErrorFacts(error) };
}

/**
 * The same of a sharder function: its task and what it ended of. Undefined for everything else.
 *
 * @throws StampedeError `message.invalid` when it is no record at all
 */
export function failedShardTaskOf(body: string): ReturnType<typeof failureOfSharder> {
  if ("detail-type" in decodeMessage(z.looseObject({}), body, queueName)) return undefined;
  return failureOfSharder(decodeMessage(FailedFunctionRecord, body, queueName));
}

/**
 * What a parameter server was started for that ended without a word, or threw. Undefined for everything else.
 *
 * @throws StampedeError `message.invalid` when it is no record at all
 */
export function failedOrderOf(body: string): DeltaMessage | undefined {
  if ("detail-type" in decodeMessage(z.looseObject({}), body, queueName)) return undefined;
  const order = DeltaMessage.safeParse(decodeMessage(FailedFunctionRecord, body, queueName).requestPayload);
  return order.success ? order.data : undefined;
}

function functionIn(body: string): FailedTask | undefined {
  return failureOfFunction(decodeMessage(FailedFunctionRecord, body, queueName));
}

function jobIn(body: string): FailedTask | undefined {
  return failureOfJob(decodeMessage(FailedJobEvent, body, queueName));
}
