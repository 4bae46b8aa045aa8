import { awsCluster } from "@stampede/client";
import { describe, expect, it } from "vitest";

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
  ])("of %d MiB is %d cores of its own", (executorMemoryMb, cores) => {
    const { capacity } = awsCluster({ executorMemoryMb }, environment);
    expect(capacity).toEqual({ cores, executors: 1, memoryBytes: executorMemoryMb * 2 ** 20 });
  });
});

it("connects to nothing before it is used, and can be closed then", async () => {
  const cluster = awsCluster({}, environment);
  expect(cluster.isInNative).toBe(false);
  await expect(cluster.close()).resolves.toBeUndefined();
});
