import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { examineEndpoint, type EndpointCheck } from "@stampede/aws";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { startMiniStack, type MiniStack } from "../../infra/emulated/ministack.js";

const bucket = "jobs";
const objects = `arn:aws:s3:::${bucket}/*`;
const asRoot = { accessKeyId: "test", secretAccessKey: "test" };

let emulator: MiniStack;
let place: { readonly endpoint: string; readonly region: string };
let queueUrl = "";
beforeAll(async () => {
  emulator = await startMiniStack({ checkPermissions: true });
  place = { endpoint: emulator.endpoint, region: "us-east-1" };
  const s3 = new S3Client({ ...place, forcePathStyle: true, credentials: asRoot });
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const sqs = new SQSClient({ ...place, credentials: asRoot });
  queueUrl = (await sqs.send(new CreateQueueCommand({ QueueName: "driver" }))).QueueUrl ?? "";
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => emulator.stop());

/** Examines the endpoint as a user who may do this, and no more. */
async function examineAs(name: string, statements: readonly (readonly [string[], string])[]): Promise<EndpointCheck[]> {
  const iam = new IAMClient({ ...place, credentials: asRoot });
  await iam.send(new CreateUserCommand({ UserName: name }));
  const Statement = statements.map(([Action, Resource]) => ({ Effect: "Allow", Action, Resource }));
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  await iam.send(new PutUserPolicyCommand({ UserName: name, PolicyName: "only", PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
  vi.stubEnv("AWS_ACCESS_KEY_ID", AccessKey?.AccessKeyId ?? "");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", AccessKey?.SecretAccessKey ?? "");
  return [...(await examineEndpoint({ ...place, bucket, queueUrl }))];
}

const byName = (checks: readonly EndpointCheck[], name: string) => checks.find(({ check }) => check === name);

it("whoever may do what a client needs passes, and is told what was not tried", async () => {
  const checks = await examineAs("client", [
    [["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], objects],
    [["s3:ListBucket"], `arn:aws:s3:::${bucket}`],
    [["sqs:SendMessage"], "*"],
  ]);
  expect(checks.filter(({ status }) => status === "missing")).toEqual([]);
  expect(byName(checks, "queue")).toMatchObject({ status: "warning", found: expect.stringContaining("not tried") });
  expect(byName(checks, "permissions")).toMatchObject({
    status: "ok",
    found: expect.stringContaining("refused, and not needed: sqs:CreateQueue"),
  });
  const s3 = new S3Client({ ...place, forcePathStyle: true, credentials: asRoot });
  expect((await s3.send(new ListObjectsV2Command({ Bucket: bucket }))).Contents ?? []).toEqual([]);
});

it("names every action that is refused, and the one that each check needs", async () => {
  const checks = await examineAs("reader", [[["s3:GetObject"], objects]]);
  expect(byName(checks, "bucket")).toMatchObject({
    status: "missing",
    found: expect.stringContaining("s3:ListBucket is refused (403)"),
    remedy: "grant s3:ListBucket to these credentials",
  });
  expect(byName(checks, "create if absent")?.found).toContain("s3:PutObject is refused (403)");
  expect(byName(checks, "driver's queue")?.found).toContain("sqs:SendMessage is refused (403)");
  // Nothing was written, so nothing has to be removed.
  expect(byName(checks, "clean-up")).toBeUndefined();
  expect(byName(checks, "permissions")).toMatchObject({
    status: "missing",
    found: expect.stringMatching(/^refused: .*s3:ListBucket, s3:PutObject, sqs:SendMessage$/),
  });
});

it("a wrong secret is no missing permission", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "wrong");
  const [first, ...others] = await examineEndpoint({ ...place, bucket, queueUrl });
  expect(first).toMatchObject({ check: "bucket", status: "missing", remedy: expect.stringContaining("credentials") });
  expect(first?.found).not.toContain("is refused");
  expect(others.some(({ check }) => check === "create if absent")).toBe(false);
});
