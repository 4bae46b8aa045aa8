import { BatchExecutors, batchClient, executorsByPlatform, lambdaClient, LambdaExecutors } from "@stampede/aws";
import { TaskMessage, type Executors } from "@stampede/core";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { aTask } from "./tasks.js";
import { startWireServer, type WireAnswer, type WireServer } from "./wire-server.js";

vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
vi.stubEnv("AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED", "true");

/** Not to wait for long. */
const retries = { firstDelayMs: 1, throttledDelayMs: 1, longestDelayMs: 5 };

let server: WireServer;
afterEach(() => server.close());
afterAll(() => vi.unstubAllEnvs());

const throttled: WireAnswer = {
  status: 429,
  errorType: "TooManyRequestsException",
  body: { message: "Rate Exceeded.", Reason: "CallerRateLimitExceeded" },
};

describe("LambdaExecutors", () => {
  async function executorsOf(answers: readonly WireAnswer[]): Promise<Executors> {
    server = await startWireServer(answers);
    return new LambdaExecutors({
      client: lambdaClient({ endpoint: server.endpoint, retries }),
      functionName: "executor",
    });
  }

  it("invokes the function asynchronously with the task", async () => {
    await (await executorsOf([{ status: 202 }])).start(aTask);
    expect(server.requests).toMatchObject([
      { url: "/2015-03-31/functions/executor/invocations", headers: { "x-amz-invocation-type": "Event" } },
    ]);
    expect(TaskMessage.parse(JSON.parse(server.requests[0]?.body ?? ""))).toEqual(aTask);
  });

  it("tries again when it is throttled", async () => {
    await (await executorsOf([throttled, throttled, { status: 202 }])).start(aTask);
    expect(server.requests).toHaveLength(3);
  });

  it("names the permission that is missing", async () => {
    const refused = { status: 403, errorType: "AccessDeniedException", body: { Message: "not authorized" } };
    await expect((await executorsOf([refused])).start(aTask)).rejects.toMatchObject({
      code: "store.forbidden",
      message: expect.stringMatching(/^Expected to be allowed lambda:InvokeFunction on the function executor, found: /),
    });
    expect(server.requests).toHaveLength(1);
  });

  it("gives up when it stays throttled", async () => {
    await expect((await executorsOf([throttled])).start(aTask)).rejects.toMatchObject({
      code: "store.unavailable",
      message: expect.stringContaining("Rate Exceeded"),
    });
    expect(server.requests).toHaveLength(6);
  });
});

describe("BatchExecutors", () => {
  const clock = { now: () => 1_000_000 };

  async function executorsOf(answers: readonly WireAnswer[]): Promise<Executors> {
    server = await startWireServer(answers);
    const client = batchClient({ endpoint: "http://127.0.0.1:1", batchEndpoint: server.endpoint });
    return new BatchExecutors({ client, jobQueue: "gpus", jobDefinition: "executor", clock });
  }

  interface Submitted {
    readonly jobName: string;
    readonly timeout: unknown;
    readonly containerOverrides: { readonly environment: readonly { readonly value: string }[] };
  }
  const sent = (): Submitted => JSON.parse(server.requests[0]?.body ?? "{}");

  const submitted = { status: 200, body: { jobName: "any", jobId: "any" } };

  it("submits a job with the task in its environment, for one attempt until the deadline", async () => {
    await (await executorsOf([submitted])).start(aTask);
    expect(server.requests[0]?.url).toBe("/v1/submitjob");
    expect(sent()).toEqual({
      jobName: "mnist-20261128-180000-abcdef-train-3-7-2",
      jobQueue: "gpus",
      jobDefinition: "executor",
      containerOverrides: { environment: [{ name: "STAMPEDE_TASK", value: expect.any(String) }] },
      retryStrategy: { attempts: 1 },
      timeout: { attemptDurationSeconds: 600 },
    });
    const [variable] = sent().containerOverrides.environment;
    expect(TaskMessage.parse(JSON.parse(variable?.value ?? ""))).toEqual(aTask);
  });

  it.each([
    [1_000_001, 60],
    [1_060_001, 61],
    [900_000, 60],
  ])("with the deadline %i asks for a timeout of %i s", async (deadlineAt, seconds) => {
    await (await executorsOf([submitted])).start({ ...aTask, deadlineAt });
    expect(sent().timeout).toEqual({ attemptDurationSeconds: seconds });
  });

  it("names a job in at most 128 characters", async () => {
    const job = TaskMessage.shape.job.parse("j".repeat(63));
    const stage = { kind: "evaluate", round: 999_999 } as const;
    await (await executorsOf([submitted])).start({ ...aTask, job, stage, partition: 99_999, attempt: 1_000_000 });
    expect(sent().jobName.length).toBeLessThanOrEqual(128);
  });

  it("says what Batch refuses", async () => {
    const refused = { status: 400, errorType: "ClientException", body: { message: "JobQueue gpus not found." } };
    await expect((await executorsOf([refused])).start(aTask)).rejects.toMatchObject({
      code: "store.unavailable",
      message: expect.stringMatching(
        /^Expected AWS to answer batch:SubmitJob on the Batch queue gpus, found: .*gpus not found/,
      ),
    });
    expect(server.requests).toHaveLength(1);
  });
});

describe("executorsByPlatform", () => {
  it("starts a task where it wants to run, and in functions where there is no Batch", async () => {
    server = await startWireServer([{ status: 202 }]);
    const started: string[] = [];
    const named = (name: string): Executors => ({
      start: async ({ platform }) => void started.push(`${platform} in ${name}`),
    });
    const both = executorsByPlatform({ function: named("functions"), batch: named("jobs") });
    const functions = executorsByPlatform({ function: named("functions") });
    for (const executors of [both, functions]) {
      await executors.start(aTask);
      await executors.start({ ...aTask, platform: "function" });
    }
    expect(started).toEqual(["batch in jobs", "function in functions", "batch in functions", "function in functions"]);
  });
});
