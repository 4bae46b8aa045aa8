import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { s3Client, S3ObjectStore } from "@stampede/aws";
import type { ObjectStore } from "@stampede/core";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { startMiniStack, type MiniStack } from "../../infra/emulated/ministack.js";
import { startCarelessS3 } from "./support/careless-s3.js";
import { useTestCredentials } from "./support/credentials.js";
import { largeBody, openUploads, storeOfSmallParts } from "./support/s3-stores.js";

useTestCredentials();
const bucket = "jobs";
const objects = `arn:aws:s3:::${bucket}/*`;
const body = new TextEncoder().encode("one");

let ministack: MiniStack;
/** Of somebody who may do everything. */
let root: ObjectStore;
beforeAll(async () => {
  ministack = await startMiniStack({ checkPermissions: true });
  const client = s3Client({ endpoint: ministack.endpoint });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  root = new S3ObjectStore({ client, bucket });
});
afterAll(() => ministack.stop());
afterEach(() => vi.unstubAllEnvs());

/** The store, for a user who may do this to objects, and no more. */
async function storeOf(UserName: string, actions: readonly string[]): Promise<ObjectStore> {
  const iam = new IAMClient({ endpoint: ministack.endpoint, region: "us-east-1" });
  await iam.send(new CreateUserCommand({ UserName }));
  const Statement = [{ Effect: "Allow", Action: actions, Resource: objects }];
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "only", PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  iam.destroy();
  vi.stubEnv("AWS_ACCESS_KEY_ID", AccessKey?.AccessKeyId ?? "");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", AccessKey?.SecretAccessKey ?? "");
  return storeOfSmallParts({ client: s3Client({ endpoint: ministack.endpoint }), bucket });
}

const forbidden = (permission: string) => ({
  code: "store.forbidden",
  message: expect.stringContaining(`Expected to be allowed ${permission} on s3://jobs/`),
});

it("a reader may read, and is told what else it would take", async () => {
  const etag = await root.create("a/read", body);
  const store = await storeOf("reader", ["s3:GetObject"]);
  expect((await store.get("a/read"))?.body).toEqual(body);
  expect(await store.head("a/read")).toEqual({ bytes: 3, etag: etag === "conflict" ? "" : etag.etag });
  await expect(store.create("a/write", body)).rejects.toMatchObject(forbidden("s3:PutObject"));
  await expect(store.create("a/large", largeBody(11 * 2 ** 20))).rejects.toMatchObject(forbidden("s3:PutObject"));
  await expect(store.replace("a/read", body, "1")).rejects.toMatchObject(forbidden("s3:PutObject"));
  await expect(store.delete("a/read")).rejects.toMatchObject(forbidden("s3:DeleteObject"));
  await expect(store.list("a/")[Symbol.asyncIterator]().next()).rejects.toMatchObject(forbidden("s3:ListBucket"));
});

it("a writer may write, and not read", async () => {
  const store = await storeOf("writer", ["s3:PutObject", "s3:AbortMultipartUpload"]);
  expect(await store.create("b/write", body)).not.toBe("conflict");
  expect(await store.create("b/write", body)).toBe("conflict");
  await expect(store.get("b/write")).rejects.toMatchObject(forbidden("s3:GetObject"));
  await expect(store.head("b/write")).rejects.toMatchObject(forbidden("s3:GetObject"));
  expect(await store.create("b/large", largeBody(11 * 2 ** 20))).not.toBe("conflict");
  expect(await store.create("b/large", largeBody(11 * 2 ** 20, 2))).toBe("conflict");
  vi.unstubAllEnvs();
  useTestCredentials();
  expect(await openUploads(s3Client({ endpoint: ministack.endpoint }), bucket)).toEqual([]);
});

it("a secret that is wrong is no missing permission", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "wrong");
  const store = new S3ObjectStore({ client: s3Client({ endpoint: ministack.endpoint }), bucket });
  await expect(store.get("a/read")).rejects.toMatchObject({
    code: "store.forbidden",
    message: expect.stringContaining("Expected credentials that AWS knows"),
  });
});

it("a bucket that does not exist says so", async () => {
  const store = new S3ObjectStore({ client: s3Client({ endpoint: ministack.endpoint }), bucket: "missing" });
  const calls = [
    () => store.get("a"),
    () => store.create("a", body),
    () => store.list("")[Symbol.asyncIterator]().next(),
  ];
  for (const call of calls) {
    await expect(call()).rejects.toMatchObject({
      code: "store.not-writable",
      message: expect.stringContaining("Expected the bucket of s3://missing/"),
    });
  }
});

it("an object that does not exist is not taken for one that may not be read, where S3 does not tell them apart", async () => {
  const careless = await startCarelessS3({ hidesMissing: true });
  const store = new S3ObjectStore({ client: s3Client({ endpoint: careless.endpoint }), bucket });
  await expect(store.get("never")).rejects.toMatchObject({
    code: "store.forbidden",
    message: expect.stringContaining("without it S3 answers 403 where 404 was meant"),
  });
  await careless.close();
});
