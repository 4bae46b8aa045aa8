import { failedInvocationOf } from "@stampede/aws";
import { describe, expect, it } from "vitest";
import { aTask } from "./tasks.js";

const variables = [
  { name: "OTHER", value: "x" },
  { name: "STAMPEDE_TASK", value: JSON.stringify(aTask) },
];

/** As AWS documents it; what we do not read is shortened. */
function eventOf(detail: Readonly<Record<string, unknown>>, container: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    version: "0",
    id: "c8f9c4b5-76e5-d76a-f980-7011e206042b",
    "detail-type": "Batch Job State Change",
    source: "aws.batch",
    account: "123456789012",
    time: "2026-11-28T18:36:40Z",
    region: "us-east-1",
    resources: ["arn:aws:batch:us-east-1:123456789012:job/4c7599ae-0a82-49aa-ba5a-4727fcce14a8"],
    detail: {
      jobId: "4c7599ae-0a82-49aa-ba5a-4727fcce14a8",
      status: "FAILED",
      container: { command: ["node"], environment: variables, logStreamName: "executor/default/1", ...container },
      ...detail,
    },
  });
}

describe("an event about a Batch job", () => {
  it.each([
    [
      { statusReason: "Job attempt duration exceeded timeout" },
      { exitCode: 137 },
      "task.timed-out",
      "Expected a task to finish before its deadline; its Batch job was stopped: Job attempt duration exceeded timeout; exit code 137; log stream executor/default/1.",
    ],
    [
      { statusReason: "Essential container in task exited" },
      { exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" },
      "task.out-of-memory",
      /OutOfMemoryError: Container killed due to memory usage; exit code 137.*use more executors/,
    ],
    [{ statusReason: "Essential container in task exited" }, { exitCode: 134 }, "task.out-of-memory", /exit code 134/],
    [
      { statusReason: "Essential container in task exited" },
      { exitCode: 1 },
      "task.crashed",
      "Expected a Batch job to finish its task, found Essential container in task exited; exit code 1; log stream executor/default/1. The task is tried again.",
    ],
    [
      { statusReason: "Host EC2 (instance i-0a1b) terminated." },
      {},
      "task.crashed",
      /Host EC2 \(instance i-0a1b\) terminated; /,
    ],
    [
      { statusReason: "Task failed to start" },
      { reason: "CannotPullContainerError: no such image" },
      "task.crashed",
      /Task failed to start; CannotPullContainerError/,
    ],
    [{}, { logStreamName: undefined }, "task.crashed", /found that it ended without a word\./],
  ])("is read: %j %j", (detail, container, code, message) => {
    expect(failedInvocationOf(eventOf(detail, container))).toEqual({
      version: 1,
      type: "invocation-failed",
      task: aTask,
      error: { code, message: typeof message === "string" ? message : expect.stringMatching(message), retryable: true },
    });
  });

  it("is not ours when it carries no task", () => {
    expect(failedInvocationOf(eventOf({}, { environment: [] }))).toBeUndefined();
    expect(failedInvocationOf(eventOf({ container: undefined }))).toBeUndefined();
  });

  it.each(["SUBMITTED", "RUNNING", "SUCCEEDED"])("means nothing while the job is %s", (status) => {
    expect(failedInvocationOf(eventOf({ status }))).toBeUndefined();
  });

  it.each([
    eventOf({}, { environment: [{ name: "STAMPEDE_TASK", value: "{}" }] }),
    eventOf({}, { environment: "none" }),
    eventOf({ jobId: 7 }),
    JSON.stringify({ "detail-type": "Batch Job State Change" }),
    JSON.stringify({ "detail-type": "EC2 Instance State-change Notification", detail: {} }),
  ])("is refused when it is none (case %#)", (body) => {
    expect(() => failedInvocationOf(body)).toThrow(expect.objectContaining({ code: "message.invalid" }));
  });
});
