import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import type { SQSClient } from "@aws-sdk/client-sqs";
import {
  batchClient,
  BatchExecutors,
  failedInvocationOf,
  lambdaClient,
  LambdaExecutors,
  sqsClient,
  SqsQueue,
} from "@stampede/aws";
import { parseJobId, type TaskMessage } from "@stampede/core";
import { executorsContract, type ExecutorsHarness } from "@stampede/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startBatchRunner } from "../../infra/emulated/batch-runner/index.js";
import { failuresTo } from "../../infra/emulated/batch-runner/failures.js";
import { startMiniStack, type MiniStack } from "../../infra/emulated/ministack.js";
import { ReportedFailures, timesHeard } from "../support/reported-failures.js";
import { Signals } from "../support/signals.js";
import { createFixtureFunction, deleteFunction } from "./support/fixture-function.js";
import { createQueue, hearFrom, stubAwsVariables } from "./support/queues.js";

stubAwsVariables();

/** The only bound that Lambda has for an attempt: so long is the contract's deadline, too. */
const timeoutSeconds = 5;

let ministack: MiniStack;
let lambda: LambdaClient;
let sqs: SQSClient;
beforeAll(async () => {
  ministack = await startMiniStack();
  lambda = lambdaClient({ endpoint: ministack.endpoint });
  sqs = sqsClient({ endpoint: ministack.endpoint });
});
afterAll(async () => {
  lambda.destroy();
  sqs.destroy();
  await ministack.stop();
});

executorsContract("LambdaExecutors, on MiniStack", makeHarness);

interface Platform extends ExecutorsHarness {
  readonly functionName: string;
  readonly failuresUrl: string;
  /** Everything that came to the queue of failures. */
  readonly records: Signals;
}

async function makeHarness(): Promise<Platform> {
  const [begun, failed] = [await createQueue(sqs), await createQueue(sqs)];
  const functionName = `executor-${randomUUID()}`;
  await createFixtureFunction(lambda, {
    name: functionName,
    timeoutSeconds,
    variables: { AWS_ENDPOINT_URL: ministack.endpoint, BEGUN_QUEUE_URL: begun.url },
    failuresTo: failed.arn,
  });
  const [heard, records] = [new Signals(), new Signals()];
  const failures = new ReportedFailures();
  const ears = [
    hearFrom(new SqsQueue({ client: sqs, queueUrl: begun.url }), (body) => heard.add(body)),
    hearFrom(new SqsQueue({ client: sqs, queueUrl: failed.url }), (body) => {
      records.add(body);
      const message = failedInvocationOf(body);
      if (message !== undefined) failures.add(message.task, message.error);
    }),
  ];
  return {
    executors: new LambdaExecutors({ client: lambda, functionName }),
    now: () => Date.now(),
    shortestDeadlineMs: timeoutSeconds * 1000,
    begun: (attemptId) => timesHeard(heard, attemptId),
    failed: (attemptId) => failures.of(attemptId),
    failures: () => failures.tasks(),
    advance: (ms) => sleep(ms),
    close: async () => {
      await Promise.all(ears.map((ear) => ear.close()));
      await deleteFunction(lambda, functionName);
    },
    functionName,
    failuresUrl: failed.url,
    records,
  };
}

const lastDigitAsExitCode = "process.exit(Number(JSON.parse(process.env.STAMPEDE_TASK).attemptId.at(-1)))";

describe("LambdaExecutors", () => {
  let platform: Platform;
  beforeEach(async () => {
    platform = await makeHarness();
  });
  afterEach(() => platform.close());

  const taskOf = (attemptId: string): TaskMessage => ({
    version: 1,
    job: parseJobId("lambda"),
    stage: { kind: "train", round: 1 },
    partition: 0,
    attempt: 1,
    attemptId,
    startedAt: Date.now(),
    frugal: true,
    platform: "function",
    deadlineAt: Date.now() + 60_000,
  });

  it("passes on what a function threw last", async () => {
    const task = taskOf("throw-0");
    await platform.executors.start(task);
    expect(await platform.failed("throw-0")).toEqual({
      code: "task.crashed",
      message:
        "Expected a function to finish its task, found RangeError: the weights have no end. The task is tried again.",
      retryable: true,
    });
    expect(platform.failures()).toEqual([task]);
  });

  it("says nothing of another function's failure on the same queue", async () => {
    const command = new InvokeCommand({
      FunctionName: platform.functionName,
      InvocationType: "Event",
      Payload: JSON.stringify({ shard: 7 }),
    });
    await lambda.send(command);
    await platform.records.next((body) => body.includes('"shard"'));
    expect(platform.failures()).toEqual([]);
  });

  it("names the function that is not there", async () => {
    const executors = new LambdaExecutors({ client: lambda, functionName: "nobody" });
    await expect(executors.start(taskOf("end-0"))).rejects.toMatchObject({
      code: "store.unavailable",
      message: expect.stringMatching(/^Expected the function nobody, found none of that name/),
    });
  });

  it("hears of Batch jobs that failed on the same queue, and not of others", async () => {
    const runner = await startBatchRunner({
      queues: [{ name: "work" }],
      definitions: [{ name: "last", command: [process.execPath, "-e", lastDigitAsExitCode] }],
    });
    runner.subscribe(failuresTo(sqs, platform.failuresUrl));
    const client = batchClient({ batchEndpoint: runner.endpoint });
    const clock = { now: () => Date.now() };
    const executors = new BatchExecutors({ client, jobQueue: "work", jobDefinition: "last", clock });
    for (const attempt of ["attempt-0", "attempt-9"]) await executors.start(taskOf(attempt));
    expect(await platform.failed("attempt-9")).toMatchObject({
      code: "task.crashed",
      message: expect.stringContaining("exit code 9; log stream last/default/"),
    });
    expect(platform.failures().map(({ attemptId }) => attemptId)).toEqual(["attempt-9"]);
    client.destroy();
    await runner.stop();
  });
});
