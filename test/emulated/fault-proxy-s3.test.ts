import { Readable } from "node:stream";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { bucket, failed, useProxiedCloud } from "./support/proxied-cloud.js";

const cloud = useProxiedCloud();

const put = (Key: string, Body: string | Buffer | Readable = Key, rest = {}) =>
  cloud.clients.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ...rest }));
const create = (Key: string) => put(Key, Key, { IfNoneMatch: "*" });
describe("a write", () => {
  it.each(["throttled", "unavailable", "internal"] as const)("that S3 refuses (%s) is tried again", async (error) => {
    const key = cloud.fresh("refused");
    cloud.script({ kind: "error-before", error }, "s3.create");
    expect((await create(key)).$metadata).toMatchObject({ attempts: 2 });
    expect(cloud.statuses()).toEqual([
      [undefined, error === "internal" ? 500 : 503],
      [200, 200],
    ]);
  });

  it("that S3 refuses three times fails with its code", async () => {
    const key = cloud.fresh("refused");
    cloud.script({ kind: "error-before", error: "throttled" }, "s3.create", [1, 2, 3]);
    await expect(create(key)).rejects.toMatchObject({ name: "SlowDown", ...failed(503, 3) });
    await expect(cloud.truth.text(key)).rejects.toMatchObject({ name: "NoSuchKey" });
  });

  it("that is refused before its large body is sent is tried again", async () => {
    const key = cloud.fresh("large");
    cloud.script({ kind: "error-before", error: "unavailable" }, "s3.put");
    const body = Buffer.alloc(3_000_000, "b");
    expect((await put(key, body)).$metadata).toMatchObject({ attempts: 2 });
    expect((await cloud.truth.text(key))?.length).toBe(body.length);
  });

  it.each([{ kind: "lost-reply" }, { kind: "error-after", error: "internal" }] as const)(
    "that took effect meets itself: $kind",
    async (fault) => {
      const key = cloud.fresh("met");
      cloud.script(fault, "s3.create");
      await expect(create(key)).rejects.toMatchObject({ name: "PreconditionFailed", ...failed(412, 2) });
      expect(await cloud.truth.text(key)).toBe(key);
      expect(cloud.statuses()).toEqual([
        [200, fault.kind === "lost-reply" ? undefined : 500],
        [412, 412],
      ]);
    },
  );

  it("that meets itself when it replaces", async () => {
    const key = cloud.fresh("replaced");
    const { ETag } = await put(key);
    cloud.script({ kind: "lost-reply" }, "s3.replace");
    await expect(put(key, "second", { IfMatch: ETag })).rejects.toMatchObject({
      name: "PreconditionFailed",
      ...failed(412, 2),
    });
    expect(await cloud.truth.text(key)).toBe("second");
  });

  it("that is reset before anything was done is tried again", async () => {
    cloud.script({ kind: "reset-before" }, "s3.create");
    expect((await create(cloud.fresh("reset"))).$metadata).toMatchObject({ attempts: 2 });
    expect(cloud.statuses()).toEqual([
      [undefined, undefined],
      [200, 200],
    ]);
  });

  it("in conflict with another is not tried again, and not written", async () => {
    const key = cloud.fresh("conflict");
    cloud.script({ kind: "conflict" }, "s3.create");
    await expect(create(key)).rejects.toMatchObject({ name: "ConditionalRequestConflict", ...failed(409, 1) });
    await expect(cloud.truth.text(key)).rejects.toMatchObject({ name: "NoSuchKey" });
  });

  it("is told that its condition does not hold, only by script", async () => {
    cloud.script({ kind: "precondition" }, "s3.create");
    await expect(create(cloud.fresh("lied"))).rejects.toMatchObject({ name: "PreconditionFailed", ...failed(412, 1) });
  });

  it("whose stream cannot be sent again fails at once", async () => {
    const key = cloud.fresh("stream");
    cloud.script({ kind: "lost-reply" }, "s3.put");
    await expect(put(key, Readable.from([Buffer.from("once")]), { ContentLength: 4 })).rejects.toMatchObject({
      code: "ECONNRESET",
    });
    expect(await cloud.truth.text(key)).toBe("once");
  });

  it("of which the upload is in conflict or meets itself", async () => {
    const Key = cloud.fresh("upload");
    const { UploadId } = await cloud.clients.s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
    const part = { Bucket: bucket, Key, UploadId, PartNumber: 1, Body: "a" };
    const { ETag } = await cloud.clients.s3.send(new UploadPartCommand(part));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    const complete = () =>
      cloud.clients.s3.send(
        new CompleteMultipartUploadCommand({ Bucket: bucket, Key, UploadId, MultipartUpload, IfNoneMatch: "*" }),
      );
    cloud.script({ kind: "conflict" }, "s3.multipart-complete");
    await expect(complete()).rejects.toMatchObject({ name: "ConditionalRequestConflict", ...failed(409, 1) });
    cloud.script({ kind: "lost-reply" }, "s3.multipart-complete");
    // Of an upload that it completed, MiniStack says so again, in spite of the condition.
    expect((await complete()).$metadata.attempts).toBe(2);
    expect(await cloud.truth.text(Key)).toBe("a");
  });
});

describe("a read", () => {
  it("that comes late comes", async () => {
    const key = await cloud.stored();
    cloud.script({ kind: "slow", ms: 150 }, "s3.get");
    const startedAt = performance.now();
    expect(await cloud.clients.text(key)).toBe("12345678");
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(149);
  });

  it.each(["s3.get", "s3.get-range"] as const)("that is cut short is noticed: %s", async (operation) => {
    const Key = await cloud.stored();
    cloud.script({ kind: "truncated", at: 0.5 }, operation);
    const Range = operation === "s3.get" ? undefined : "bytes=0-7";
    const { Body, ContentLength } = await cloud.clients.s3.send(new GetObjectCommand({ Bucket: bucket, Key, Range }));
    expect(ContentLength).toBe(8);
    await expect(Body?.transformToByteArray()).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it("with a wrong bit is noticed where the writer sent a checksum", async () => {
    const key = cloud.fresh("checksum");
    await put(key, "12345678");
    cloud.script({ kind: "corrupted", at: 0.5 }, "s3.get");
    await expect(cloud.clients.text(key)).rejects.toThrow(/Checksum mismatch/);
  });

  it("of a range with a wrong bit is not: whoever reads it must", async () => {
    const Key = cloud.fresh("checksum");
    await put(Key, "12345678");
    cloud.script({ kind: "corrupted", at: 0.5 }, "s3.get-range");
    const { Body } = await cloud.clients.s3.send(new GetObjectCommand({ Bucket: bucket, Key, Range: "bytes=0-7" }));
    expect(await Body?.transformToString()).toBe("12344678");
  });

  it("of what is not there has nothing to damage", async () => {
    cloud.script({ kind: "truncated", at: 0.5 }, "s3.get");
    await expect(cloud.clients.text("nowhere")).rejects.toMatchObject({ name: "NoSuchKey", ...failed(404, 1) });
    expect(cloud.proxy.counts().faults).toEqual({});
  });

  it.each(["s3.head", "s3.list"] as const)("that is refused is made again: %s", async (operation) => {
    const Key = await cloud.stored();
    cloud.script({ kind: "error-before", error: "throttled" }, operation);
    const asked =
      operation === "s3.head"
        ? await cloud.clients.s3.send(new HeadObjectCommand({ Bucket: bucket, Key }))
        : await cloud.clients.s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: Key }));
    expect(asked.$metadata.attempts).toBe(2);
  });
});
