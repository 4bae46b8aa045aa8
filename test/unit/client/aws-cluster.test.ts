import { awsCluster } from "@stampede/client";
import { parseJobId } from "@stampede/core";
import { describe, expect, it, vi } from "vitest";
import { startScriptedS3 } from "../aws/s3-server.js";
import { startWireServer } from "../aws/wire-server.js";

const environment = {
  STAMPEDE_BUCKET: "jobs",
  STAMPEDE_DRIVER_QUEUE_URL: "http://127.0.0.1:4566/000000000000/driver",
  AWS_ENDPOINT_URL: "http://127.0.0.1:4566",
};

describe("what a cluster on AWS must be told", () => {
  it.each([
    ["STAMPEDE_BUCKET", { STAMPEDE_BUCKET: "" }, "option bucket"],
    ["STAMPEDE_DRIVER_QUEUE_URL", { STAMPEDE_DRIVER_QUEUE_URL: undefined }, "option driverQueueUrl"],
    ["STAMPEDE_DRIVER_QUEUE_URL", { STAMPEDE_DRIVER_QUEUE_URL: "driver" }, 'found "driver"'],
    ["AWS_ENDPOINT_URL", { AWS_ENDPOINT_URL: "127.0.0.1:4566" }, 'found "127.0.0.1:4566"'],
    ["AWS_ENDPOINT_URL_SQS", { AWS_ENDPOINT_URL_SQS: "ftp://127.0.0.1" }, 'found "ftp://127.0.0.1"'],
    ["STAMPEDE_EXECUTOR_MEMORY_MB", { STAMPEDE_EXECUTOR_MEMORY_MB: "3 GB" }, 'found "3 GB"'],
    ["STAMPEDE_EXECUTOR_MEMORY_MB", { STAMPEDE_EXECUTOR_MEMORY_MB: "64" }, "128 ... 10240"],
  ])("names %s, given %j", (variable, changed, part) => {
    const open = () => awsCluster({}, { ...environment, ...changed });
    expect(open).toThrow(expect.objectContaining({ code: "option.invalid", details: { variable } }));
    expect(open).toThrow(part);
    expect(open).toThrow("`npm run emulate`");
  });

  it("takes options before the environment", () => {
    const cluster = awsCluster({ bucket: "mine", driverQueueUrl: "https://sqs.example.com/1/driver" }, {});
    expect(cluster.capacity.memoryBytes).toBe(3008 * 2 ** 20);
  });
});

describe("the capacity of an executor function", () => {
  it.each([
    [128, 1],
    [1769, 1],
    [3008, 1],
    [3538, 2],
    [10_240, 5],
  ])("of %d MiB is %d cores of its own, of a kind that nobody knows", (executorMemoryMb, cores) => {
    const { capacity } = awsCluster({ executorMemoryMb }, environment);
    const memoryBytes = executorMemoryMb * 2 ** 20;
    expect(capacity).toEqual({ cores, executors: 1, memoryBytes, blocks: [16, 8] });
  });
});

it("asks each service at its own endpoint, where a variable names one", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  const [s3, sqs] = [
    await startScriptedS3(() => ({ status: 404 })),
    await startWireServer([{ status: 403, errorType: "AccessDenied" }]),
  ];
  const cluster = awsCluster(
    {},
    {
      ...environment,
      AWS_ENDPOINT_URL: "http://127.0.0.1:1",
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_ENDPOINT_URL_SQS: sqs.endpoint,
    },
  );
  expect(await (await cluster.open()).head("a")).toBeUndefined();
  await expect(cluster.wake(parseJobId("a-job"))).rejects.toMatchObject({ code: "store.forbidden" });
  expect(sqs.requests.map(({ headers }) => headers["x-amz-target"])).toEqual(["AmazonSQS.SendMessage"]);
  await Promise.all([cluster.close(), s3.close(), sqs.close()]);
  vi.unstubAllEnvs();
});

it("connects to nothing before it is used, and can be closed then", async () => {
  const cluster = awsCluster({}, environment);
  expect(cluster.isInNative).toBe(false);
  await expect(cluster.close()).resolves.toBeUndefined();
});
