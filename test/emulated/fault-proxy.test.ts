import { createHash, createHmac } from "node:crypto";
import { request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { CreateQueueCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { beforeAll, describe, expect, it } from "vitest";
import { bucket, clientOptions, useProxiedCloud } from "./support/proxied-cloud.js";

const cloud = useProxiedCloud();

function policy(statement: object): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...statement }] });
}

/** A URL with which anybody may GET for 15 minutes: Signature Version 4 in the query. */
function presigned(url: string, keys: { readonly accessKeyId: string; readonly secretAccessKey: string }): string {
  const { host, pathname } = new URL(url);
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const scope = [time.slice(0, 8), "us-east-1", "s3", "aws4_request"];
  const query = new URLSearchParams({
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": [keys.accessKeyId, ...scope].join("/"),
    "X-Amz-Date": time,
    "X-Amz-Expires": "900",
    "X-Amz-SignedHeaders": "host",
  }).toString();
  const request = ["GET", pathname, query, `host:${host}`, "", "host", "UNSIGNED-PAYLOAD"].join("\n");
  const digest = createHash("sha256").update(request).digest("hex");
  const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${keys.secretAccessKey}`);
  const signature = hmac(key, ["AWS4-HMAC-SHA256", time, scope.join("/"), digest].join("\n")).toString("hex");
  return `${url}?${query}&X-Amz-Signature=${signature}`;
}

const put = (Key: string, Body: string | Buffer | Readable = Key, rest = {}) =>
  cloud.clients.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ...rest }));

describe("without a fault", () => {
  it("objects of 12 MiB pass both ways, with a length and in chunks", async () => {
    const body = Buffer.alloc(12 * 2 ** 20, "stampede");
    await put("whole", body);
    await put("chunks", Readable.from([body.subarray(0, 5_000_000), body.subarray(5_000_000)]), {
      ContentLength: body.length,
    });
    for (const key of ["whole", "chunks"]) {
      const { Body } = await cloud.clients.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
    }
    expect(cloud.proxy.counts()).toEqual({ requests: { "s3.put": 2, "s3.get": 2 }, faults: {} });
  });

  it("a multipart upload passes, part by part", async () => {
    const Key = cloud.fresh("parts");
    const { UploadId } = await cloud.clients.s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
    const Body = Buffer.alloc(5 * 2 ** 20, "a");
    const { ETag } = await cloud.clients.s3.send(
      new UploadPartCommand({ Bucket: bucket, Key, UploadId, PartNumber: 1, Body }),
    );
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await cloud.clients.s3.send(
      new CompleteMultipartUploadCommand({ Bucket: bucket, Key, UploadId, MultipartUpload, IfNoneMatch: "*" }),
    );
    const seen = cloud.proxy.log().map(({ operation, subject, part }) => [operation, subject, part]);
    expect(seen).toEqual([
      ["s3.multipart-begin", `${bucket}/${Key}`, ""],
      ["s3.multipart-part", `${bucket}/${Key}`, "part 1"],
      ["s3.multipart-complete", `${bucket}/${Key}`, ""],
    ]);
  });

  it("list, range, head and delete pass", async () => {
    const Key = await cloud.stored();
    const listed = await cloud.clients.s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: Key }));
    expect(listed.Contents?.map((entry) => entry.Key)).toEqual([Key]);
    const part = await cloud.clients.s3.send(new GetObjectCommand({ Bucket: bucket, Key, Range: "bytes=2-3" }));
    expect(await part.Body?.transformToString()).toBe("34");
    expect((await cloud.clients.s3.send(new HeadObjectCommand({ Bucket: bucket, Key }))).ContentLength).toBe(8);
    await cloud.clients.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    await expect(cloud.clients.text(Key)).rejects.toMatchObject({ name: "NoSuchKey" });
    const requests = { "s3.list": 1, "s3.get-range": 1, "s3.head": 1, "s3.delete": 1, "s3.get": 1 };
    expect(cloud.proxy.counts().requests).toEqual(requests);
  });

  it("a bucket in the host is found", async () => {
    const Key = await cloud.stored();
    const { port } = new URL(cloud.proxy.endpoint);
    const headers = {
      host: `${bucket}.s3.localhost:${port}`,
      authorization:
        "AWS4-HMAC-SHA256 Credential=test/20261128/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0",
    };
    const status = await new Promise((resolve, reject) => {
      const asking = httpRequest({ host: "127.0.0.1", port, path: `/${Key}`, headers }, (reply) => {
        reply.resume().on("end", () => resolve(reply.statusCode));
      });
      asking.on("error", reject).end();
    });
    expect(status).toBe(200);
    expect(cloud.proxy.log()).toMatchObject([{ operation: "s3.get", subject: `${bucket}/${Key}` }]);
  });
});

describe("a signature", () => {
  const UserName = "somebody";
  let keys: { readonly accessKeyId: string; readonly secretAccessKey: string };

  beforeAll(async () => {
    const iam = new IAMClient(clientOptions(cloud.truth.endpoint));
    await iam.send(new CreateUserCommand({ UserName }));
    const PolicyDocument = policy({ Action: "*", Resource: "*" });
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "all", PolicyDocument }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    keys = { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
    iam.destroy();
  });

  const asSomebody = async (secretAccessKey: string, Body: string | Readable = "signed") => {
    const credentials = { ...keys, secretAccessKey };
    const client = new S3Client({ ...clientOptions(cloud.proxy.endpoint), credentials, forcePathStyle: true });
    const Key = cloud.fresh("signed");
    const asked = new PutObjectCommand({ Bucket: bucket, Key, Body, ContentLength: 6 });
    return client.send(asked).finally(() => client.destroy());
  };

  it("stays valid, and is still looked at", async () => {
    await asSomebody(keys.secretAccessKey);
    await asSomebody(keys.secretAccessKey, Readable.from([Buffer.from("signed")]));
    await expect(asSomebody("wrong")).rejects.toMatchObject({ name: "SignatureDoesNotMatch" });
  });

  it("in a URL stays valid, and is still looked at", async () => {
    const key = await cloud.stored();
    const url = presigned(`${cloud.proxy.endpoint}/${bucket}/${key}`, keys);
    expect(await (await fetch(url)).text()).toBe("12345678");
    expect((await fetch(url.replace("X-Amz-Expires=900", "X-Amz-Expires=901"))).status).toBe(403);
    expect(cloud.proxy.counts().requests).toEqual({ "s3.get": 2 });
  });

  it("of a message that a fault changes does not", async () => {
    const { QueueUrl } = await cloud.truth.sqs.send(new CreateQueueCommand({ QueueName: cloud.fresh("queue") }));
    cloud.script({ kind: "delayed", seconds: 1 }, "sqs.send");
    const client = new SQSClient({ ...clientOptions(cloud.proxy.endpoint), credentials: keys });
    const sending = client.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" })).finally(() => client.destroy());
    await expect(sending).rejects.toMatchObject({ name: "SignatureDoesNotMatch" });
  });
});

describe("a partition", () => {
  it("lets nothing through until it ends, and cuts what is under way", async () => {
    const key = await cloud.stored();
    cloud.script({ kind: "slow", ms: 60_000 }, "s3.get");
    const under = cloud.clients.text(key);
    await expect.poll(() => cloud.proxy.log()[0]?.upstreamStatus).toBe(200);
    cloud.proxy.setPlan({ partitioned: true });
    await expect(under).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(cloud.proxy.counts().faults).toEqual({ partitioned: 3 });
    cloud.proxy.setPlan({});
    expect(await cloud.clients.text(key)).toBe("12345678");
  });
});

describe("a seed", () => {
  const rules = [
    { fault: { kind: "error-before", error: "unavailable" }, chance: 0.2 },
    { fault: { kind: "lost-reply" }, chance: 0.2 },
  ] as const;

  /** Puts and gets 20 objects, all at the same time, and says which requests were hit by what. */
  async function hits(seed: number): Promise<readonly string[]> {
    const since = cloud.proxy.log().length;
    cloud.proxy.setPlan({ rules, spareLastAttempts: true }, seed);
    await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        await put(`seeded-${at}`, `seeded-${at}`);
        expect(await cloud.clients.text(`seeded-${at}`)).toBe(`seeded-${at}`);
      }),
    );
    return cloud.proxy
      .log()
      .slice(since)
      .map(({ operation, subject, occurrence, fault }) => `${operation} ${subject} ${occurrence} ${fault?.kind ?? ""}`)
      .toSorted((a, b) => a.localeCompare(b));
  }

  it("hits the same requests again, and another seed others; none fails for good", async () => {
    const [first, again, other] = [await hits(1), await hits(1), await hits(2)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(Object.keys(cloud.proxy.counts().faults)).toEqual(expect.arrayContaining(["error-before", "lost-reply"]));
  });
});
