import { failedInvocationOf, failedOrderOf } from "@stampede/aws";
import { parseJobId, type DeltaMessage } from "@stampede/core";
import { describe, expect, it } from "vitest";
import { aTask } from "./tasks.js";

/** As AWS documents it. */
function recordOf(answer: unknown, change: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    version: "1.0",
    timestamp: "2026-11-28T18:16:05.568Z",
    requestContext: {
      requestId: "e4b46cbf-b738-4d3d-8a91-a18cdf61200e",
      functionArn: "arn:aws:lambda:us-east-2:123456789012:function:executor:$LATEST",
      condition: "RetriesExhausted",
      approximateInvokeCount: 1,
    },
    requestPayload: aTask,
    responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
    responsePayload: answer,
    ...change,
  });
}

const prefix = "RequestId: e4b46cbf-b738-4d3d-8a91-a18cdf61200e Error:";

const whereLogged = " What it printed is in the log of executor, request e4b46cbf-b738-4d3d-8a91-a18cdf61200e.";

describe("a record of Lambda", () => {
  it.each([
    [
      { errorType: "Sandbox.Timedout", errorMessage: `${prefix} Task timed out after 900.00 seconds` },
      "task.timed-out",
      `Expected a task to finish before its deadline; its function was stopped: ${prefix} Task timed out after 900.00 seconds.`,
    ],
    [
      { errorMessage: "2026-11-28T18:16:05.568Z e4b46cbf Task timed out after 3.01 seconds" },
      "task.timed-out",
      /Task timed out after 3\.01 seconds\.$/,
    ],
    [
      { errorType: "Runtime.OutOfMemory", errorMessage: `${prefix} Runtime exited with error: signal: killed` },
      "task.out-of-memory",
      /use more executors \(smaller partitions\) or raise the limit\.$/,
    ],
    [
      { errorType: "Runtime.ExitError", errorMessage: `${prefix} Runtime exited with error: signal: killed` },
      "task.out-of-memory",
      /found that it ended: .*signal: killed\. Its environment is replaced/,
    ],
    [
      { errorType: "Runtime.ExitError", errorMessage: `${prefix} Runtime exited with error: signal: aborted` },
      "task.out-of-memory",
      /signal: aborted/,
    ],
    [
      { errorType: "Runtime.ExitError", errorMessage: `${prefix} Runtime exited with error: exit status 3` },
      "task.crashed",
      `Expected a function to finish its task, found ${prefix} Runtime exited with error: exit status 3. The task is tried again.`,
    ],
    [
      { errorType: "TypeError", errorMessage: "x is not a function.", trace: ["TypeError: x is not a function."] },
      "task.crashed",
      "Expected a function to finish its task, found TypeError: x is not a function. The task is tried again.",
    ],
    // What our own handler throws does not become something else because of its words.
    [{ errorType: "Error", errorMessage: "it said signal: killed" }, "task.crashed", /found Error: it said/],
    ["Init failed: no such module", "task.crashed", /found Init failed: no such module\. The/],
    [null, "task.crashed", /found that it ended without a word\. The/],
    [{ errorMessage: 7 }, "task.crashed", /without a word/],
  ])("is read: %j", (answer, code, message) => {
    const found = failedInvocationOf(recordOf(answer));
    const said = found?.error.message ?? "";
    expect(said.endsWith(whereLogged)).toBe(true);
    expect({ ...found, error: { ...found?.error, message: said.slice(0, -whereLogged.length) } }).toEqual({
      version: 1,
      type: "invocation-failed",
      task: aTask,
      error: { code, message: typeof message === "string" ? message : expect.stringMatching(message), retryable: true },
    });
  });

  it("is read without what emulators leave out", () => {
    const record = JSON.stringify({ requestContext: { condition: "RetriesExhausted" }, requestPayload: aTask });
    expect(failedInvocationOf(record)).toMatchObject({ task: aTask, error: { code: "task.crashed" } });
  });

  it("tells of an invocation that never began", () => {
    const requestContext = { condition: "EventAgeExceeded", functionArn: "arn", approximateInvokeCount: 0 };
    const body = recordOf(undefined, { requestContext });
    expect(failedInvocationOf(body)?.error).toMatchObject({
      code: "task.crashed",
      message: expect.stringContaining("no environment was free for it in time"),
    });
  });

  it("passes on no more than an executor's last words, and no control characters", () => {
    const message = failedInvocationOf(
      recordOf({ errorType: "Error", errorMessage: `\u001b[31m${"x".repeat(900_000)}` }),
    )?.error.message;
    expect(message?.length).toBeLessThan(2_200);
    expect(message).not.toContain("\u001b");
  });

  it.each([{ shard: 3 }, "text", null, { ...aTask, version: 2 }, { ...aTask, unknown: true }])(
    "is not ours with the payload %j",
    (requestPayload) => {
      expect(failedInvocationOf(recordOf({}, { requestPayload }))).toBeUndefined();
    },
  );

  it.each([
    "",
    "no JSON",
    "[]",
    "{}",
    "7",
    `{"requestContext":{}}`,
    `{"requestContext":{"condition":7}}`,
    " ".repeat(1_048_577),
  ])("is refused when it is none (case %#)", (body) => {
    expect(() => failedInvocationOf(body)).toThrow(expect.objectContaining({ code: "message.invalid" }));
  });
});

describe("a record of Lambda about a parameter server", () => {
  const make = { kind: "sum", group: 1, part: 2 } as const;
  const order: DeltaMessage = { version: 1, type: "delta", job: parseJobId("job-1"), round: 3, make };
  const answer = { errorType: "Sandbox.Timedout", errorMessage: `${prefix} Task timed out after 300.00 seconds` };

  it("gives back what it was started for", () => {
    expect(failedOrderOf(recordOf(answer, { requestPayload: order }))).toEqual(order);
  });

  it("is none about an executor, and the other way round", () => {
    expect(failedOrderOf(recordOf(answer))).toBeUndefined();
    expect(failedInvocationOf(recordOf(answer, { requestPayload: order }))).toBeUndefined();
  });

  it("is no event about a Batch job, and nothing else", () => {
    expect(failedOrderOf(JSON.stringify({ "detail-type": "Batch Job State Change", detail: {} }))).toBeUndefined();
    expect(() => failedOrderOf("[]")).toThrow(/invocations/);
  });
});
