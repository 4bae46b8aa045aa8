import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import {
  batchClient,
  lambdaClient,
  RequestMeter,
  S3DataFiles,
  S3ObjectStore,
  s3Client,
  SqsQueue,
  sqsClient,
} from "@stampede/aws";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { refusal, startScriptedS3 } from "./s3-server.js";

beforeEach(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  for (const service of ["", "_S3", "_SQS", "_LAMBDA", "_BATCH"]) vi.stubEnv(`AWS_ENDPOINT_URL${service}`, undefined);
  for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]) {
    vi.stubEnv(name, undefined);
  }
});
afterEach(() => vi.unstubAllEnvs());

const hostOf = async (client: { config: { endpoint?: (() => Promise<{ hostname: string }>) | undefined } }) =>
  (await client.config.endpoint?.())?.hostname;

it("a setting wins over a service's variable, and that over everybody's", async () => {
  expect(await hostOf(s3Client())).toBeUndefined();
  vi.stubEnv("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
  expect(await hostOf(s3Client())).toBe("127.0.0.1");
  vi.stubEnv("AWS_ENDPOINT_URL_S3", "http://127.0.0.2:1");
  expect(await hostOf(s3Client())).toBe("127.0.0.2");
  expect(await hostOf(s3Client({ endpoint: "http://127.0.0.3:1" }))).toBe("127.0.0.3");
  for (const client of [sqsClient(), lambdaClient(), batchClient()]) expect(await hostOf(client)).toBe("127.0.0.1");
  vi.stubEnv("AWS_ENDPOINT_URL_BATCH", "http://127.0.0.4:1");
  expect(await hostOf(batchClient())).toBe("127.0.0.4");
  vi.stubEnv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
  expect(await hostOf(s3Client())).toBeUndefined();
});

it("buckets are addressed by path where there is an endpoint", () => {
  expect(s3Client().config.forcePathStyle).toBe(false);
  vi.stubEnv("AWS_ENDPOINT_URL_S3", "http://localhost:4566");
  expect(s3Client().config.forcePathStyle).toBe(true);
});

describe("the region", () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "stampede-profile-"));
    vi.stubEnv("AWS_PROFILE", undefined);
    vi.stubEnv("AWS_CONFIG_FILE", join(folder, "config"));
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(folder, "credentials"));
    return () => rm(folder, { recursive: true });
  });
  let folder: string;

  it("is the setting's, else the environment's, else that of the profile", async () => {
    await writeFile(join(folder, "config"), "[default]\nregion = eu-west-3\n[profile other]\nregion = eu-south-2\n");
    vi.stubEnv("AWS_PROFILE", "other");
    expect(await s3Client().config.region()).toBe("eu-south-2");
    expect(await sqsClient({ endpoint: "http://127.0.0.1:1" }).config.region()).toBe("eu-south-2");
    vi.stubEnv("AWS_DEFAULT_REGION", "eu-west-1");
    expect(await s3Client().config.region()).toBe("eu-west-1");
    vi.stubEnv("AWS_REGION", "eu-central-1");
    expect(await s3Client().config.region()).toBe("eu-central-1");
    expect(await s3Client({ environment: { AWS_REGION: "sa-east-1" } }).config.region()).toBe("sa-east-1");
    expect(await s3Client({ region: "eu-north-1" }).config.region()).toBe("eu-north-1");
  });

  it("is us-east-1 where nobody says one and an emulator is asked", async () => {
    vi.stubEnv("AWS_REGION", "");
    expect(await s3Client({ endpoint: "http://127.0.0.1:1" }).config.region()).toBe("us-east-1");
    vi.stubEnv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1");
    expect(await sqsClient().config.region()).toBe("us-east-1");
  });

  it("is asked for where nobody says one and AWS is asked: by the error of the first request", async () => {
    const asked = expect.objectContaining({ code: "option.invalid", message: expect.stringContaining("AWS_REGION") });
    const store = new S3ObjectStore({ client: s3Client(), bucket: "jobs" });
    await expect(store.get("a")).rejects.toEqual(asked);
    const queue = new SqsQueue({ client: sqsClient(), queueUrl: "https://sqs.eu-west-1.amazonaws.com/1/driver" });
    await expect(queue.send("a")).rejects.toEqual(asked);
    const files = new S3DataFiles({ client: s3Client() });
    await expect(files.open("s3://data/a")).rejects.toEqual(asked);
  });
});

it("says nothing of the version of Node.js", async () => {
  const script = 'import("@stampede/aws").then(({ s3Client }) => void s3Client({ region: "eu-west-1" }).destroy())';
  const { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: _, ...env } = process.env;
  const child = spawn(process.execPath, ["--eval", script], { env, stdio: ["ignore", "ignore", "pipe"] });
  expect(await text(child.stderr)).toBe("");
});

it("every attempt is counted, and the bytes of bodies", async () => {
  const server = await startScriptedS3((_, number) =>
    number < 3 ? refusal(500, "InternalError") : { status: 200, headers: { "content-length": "5" }, body: "hello" },
  );
  const meter = new RequestMeter();
  const client = s3Client({ endpoint: server.endpoint, meter });
  const { Body } = await client.send(new GetObjectCommand({ Bucket: "jobs", Key: "a" }));
  await Body?.transformToByteArray();
  expect(meter.counts()).toEqual({ "s3:GetObject": 3 });
  expect(meter.traffic()).toEqual({ s3: { sent: 0, received: 5 } });
  meter.reset();
  expect([meter.counts(), meter.traffic()]).toEqual([{}, {}]);
  client.destroy();
  await server.close();
});
