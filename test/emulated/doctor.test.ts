import { examineEndpoint, type EndpointCheck } from "@stampede/aws";
import { runCommandLine } from "@stampede/cli";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, GetQueueAttributesCommand, ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { startMiniStack, type MiniStack } from "../../infra/emulated/ministack.js";
import { fakeHost } from "../unit/cli/fake-host.js";
import { startCarelessS3, type CarelessS3 } from "./support/careless-s3.js";

beforeAll(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  return () => vi.unstubAllEnvs();
});

const region = "us-east-1";
const named = (checks: readonly EndpointCheck[], name: string): EndpointCheck | undefined =>
  checks.find(({ check }) => check === name);
const namesOf = (checks: readonly EndpointCheck[], status: EndpointCheck["status"]): readonly string[] =>
  checks.flatMap((check) => (check.status === status ? [check.check] : []));

describe("an endpoint that can be trusted", () => {
  let emulator: MiniStack;
  let place: { readonly endpoint: string; readonly region: string };
  beforeAll(async () => {
    emulator = await startMiniStack();
    place = { endpoint: emulator.endpoint, region };
  });
  afterEach(() => emulator.reset());
  afterAll(() => emulator.stop());

  it("passes every check, and has nothing in it afterwards", async () => {
    const told: string[] = [];
    const checks = await examineEndpoint(place, ({ check }) => void told.push(check));
    expect(checks.filter(({ status }) => status !== "ok")).toEqual([]);
    expect(told).toEqual(checks.map(({ check }) => check));
    expect(told).toEqual(
      expect.arrayContaining(["bucket", "clock", "create if absent, 16 at once", "redelivery", "Lambda", "Batch"]),
    );
    const s3 = new S3Client({ ...place, forcePathStyle: true });
    const sqs = new SQSClient(place);
    expect((await s3.send(new ListBucketsCommand({}))).Buckets ?? []).toEqual([]);
    expect((await sqs.send(new ListQueuesCommand({}))).QueueUrls ?? []).toEqual([]);
  });

  it("puts no message into the driver's queue, whose functions would be woken", async () => {
    const sqs = new SQSClient({ ...place, useQueueUrlAsEndpoint: false });
    const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: "driver" }));
    const checks = await examineEndpoint({ ...place, queueUrl: QueueUrl });
    expect(named(checks, "driver's queue")).toMatchObject({ status: "ok" });
    const AttributeNames = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"] as const;
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] }),
    );
    expect(Attributes).toEqual({ ApproximateNumberOfMessages: "0", ApproximateNumberOfMessagesDelayed: "0" });
  });

  it("is not the same as a bucket or a queue that is not there", async () => {
    const queueUrl = `${place.endpoint}/000000000000/nowhere`;
    const checks = await examineEndpoint({ ...place, bucket: "nowhere", queueUrl });
    expect(namesOf(checks, "missing")).toEqual(["bucket", "driver's queue"]);
    expect(named(checks, "bucket")?.found).toContain("NoSuchBucket");
    expect(named(checks, "driver's queue")?.remedy).toContain("STAMPEDE_DRIVER_QUEUE_URL");
  });

  it("is told as ready by the command, with exit code 0", async () => {
    const host = fakeHost({ env: { NO_COLOR: "1" } });
    const code = await runCommandLine(["doctor", "--endpoint", place.endpoint], host);
    const out = host.stdout.written.join("");
    expect(out).toMatch(/^ok {7}replace if unchanged, 16 at once {2}exactly 1 winner in each of 5 races$/m);
    expect(out).toMatch(/\nReady to train\.\n$/);
    expect(code).toBe(0);
  });
});

describe("an endpoint that must not be trusted", () => {
  let server: CarelessS3 | undefined;
  afterEach(() => server?.close());

  async function examine(carelessness: Parameters<typeof startCarelessS3>[0]): Promise<readonly EndpointCheck[]> {
    server = await startCarelessS3(carelessness);
    const checks = await examineEndpoint({ endpoint: server.endpoint, region });
    expect([...server.stored.keys()]).toEqual([]);
    return checks;
  }

  it("ignores conditions: every check of them says what would be lost", async () => {
    const checks = await examine({ ignoresConditions: true });
    expect(namesOf(checks, "missing")).toEqual(
      expect.arrayContaining([
        "create if absent",
        "create if absent, 16 at once",
        "replace if unchanged",
        "replace if unchanged, 16 at once",
      ]),
    );
    const once = named(checks, "create if absent");
    expect(once?.found).toBe("If-None-Match: * on an object that is there is ignored: the object was overwritten");
    expect(once?.remedy).toContain("do not train here");
    expect(named(checks, "create if absent, 16 at once")?.found).toContain("16 of 16 racers were told");
  });

  it("looks before it writes: only a race shows that several win", async () => {
    const checks = await examine({ checksBeforeItWrites: true });
    expect(named(checks, "create if absent")?.status).toBe("ok");
    expect(named(checks, "replace if unchanged")?.status).toBe("ok");
    expect(named(checks, "create if absent, 16 at once")?.found).toContain("of 16 racers were told that they had won");
    expect(named(checks, "replace if unchanged, 16 at once")?.status).toBe("missing");
  });

  it("has no queues and no functions, and checks no body", async () => {
    const checks = await examine({});
    expect(namesOf(checks, "missing")).toEqual(["large object", "queue", "Lambda"]);
    expect(namesOf(checks, "warning")).toEqual(["checksum", "Batch"]);
  });

  it.each([
    [60_000, "warning"],
    [400_000, "missing"],
  ] as const)("has a clock that is %d ms ahead: %s", async (clockAheadMs, status) => {
    const clock = named(await examine({ clockAheadMs }), "clock");
    expect(clock).toMatchObject({ status, remedy: expect.stringContaining("NTP") });
    expect(Math.abs(Number.parseFloat(clock?.found ?? "") - clockAheadMs / 1000)).toBeLessThan(2);
  });

  it("hides what is missing: s3:ListBucket is not granted", async () => {
    const hidden = named(await examine({ hidesMissing: true }), "missing key");
    expect(hidden).toMatchObject({ status: "missing", remedy: expect.stringContaining("s3:ListBucket") });
  });

  it("ends the command with exit code 1", async () => {
    server = await startCarelessS3({ ignoresConditions: true });
    const host = fakeHost({ env: { NO_COLOR: "1" } });
    const code = await runCommandLine(["doctor", "--endpoint", server.endpoint, "--json"], host);
    const checks = host.stdout.written
      .join("")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(checks).toContainEqual(expect.objectContaining({ check: "create if absent", ok: false }));
    expect(code).toBe(1);
  });
});
