import type { S3Client } from "@aws-sdk/client-s3";
import { RequestMeter, s3Client } from "@stampede/aws";
import { objectStoreContract } from "@stampede/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startMiniStack, type MiniStack } from "../../infra/emulated/ministack.js";
import { useTestCredentials } from "./support/credentials.js";
import {
  createBucket,
  largeBody,
  openS3Harness,
  openUploads,
  storeOfSmallParts,
  streamOf,
} from "./support/s3-stores.js";

useTestCredentials();
let ministack: MiniStack;
beforeAll(async () => {
  ministack = await startMiniStack();
});
afterAll(() => ministack.stop());

objectStoreContract("S3ObjectStore on MiniStack", () => openS3Harness(ministack.endpoint), { etagsFollowBodies: true });

describe("a large object", () => {
  const key = "jobs/a/weights";
  const body = largeBody(16 * 2 ** 20 + 5);
  const meter = new RequestMeter();
  let client: S3Client;
  let bucket: string;
  beforeAll(async () => {
    client = s3Client({ endpoint: ministack.endpoint, meter });
    bucket = await createBucket(client);
  });
  afterAll(() => client.destroy());

  it("is written in parts, and read in parts", async () => {
    const store = storeOfSmallParts({ client, bucket });
    meter.reset();
    await store.create(key, body);
    expect(meter.counts()).toEqual({
      "s3:CreateMultipartUpload": 1,
      "s3:UploadPart": 4,
      "s3:CompleteMultipartUpload": 1,
    });
    expect(meter.traffic()["s3"]?.sent).toBeGreaterThan(body.length);
    meter.reset();
    const found = await store.get(key);
    expect(Buffer.compare(found?.body ?? new Uint8Array(), body)).toBe(0);
    // The first request says how large it is.
    expect(meter.counts()).toEqual({ "s3:GetObject": 5 });
    expect(found?.etag).toBe((await store.head(key))?.etag);
  });

  it.each([
    { start: 0, end: body.length, requests: 4 },
    { start: 3, end: 12 * 2 ** 20, requests: 3 },
    { start: 3, end: 4 + 10 * 2 ** 20, requests: 3 },
    { start: 3, end: 3 + 10 * 2 ** 20, requests: 1 },
    { start: 5 * 2 ** 20, end: 2 ** 40, requests: 3 },
    { start: body.length - 1, end: 2 ** 40, requests: 1 },
  ])("has bytes $start ... $end - 1", async ({ start, end, requests }) => {
    const store = storeOfSmallParts({ client, bucket });
    meter.reset();
    const found = await store.get(key, { start, end });
    expect(Buffer.compare(found?.body ?? new Uint8Array(), body.subarray(start, end))).toBe(0);
    expect(meter.counts()).toEqual({ "s3:GetObject": requests });
  });

  it("that exists is not written a second time, and nothing of it stays", async () => {
    const store = storeOfSmallParts({ client, bucket });
    const other = largeBody(11 * 2 ** 20, 2);
    expect(await store.create(key, other)).toBe("conflict");
    expect(await store.create(key, streamOf(other))).toBe("conflict");
    expect(await openUploads(client, bucket)).toEqual([]);
    expect((await store.head(key))?.bytes).toBe(body.length);
  });

  it("comes as a stream whose chunks lie in the same memory", async () => {
    const store = storeOfSmallParts({ client, bucket });
    await store.create("jobs/a/stream", streamOf(body));
    expect(Buffer.compare((await store.get("jobs/a/stream"))?.body ?? new Uint8Array(), body)).toBe(0);
  });

  it("whose stream breaks leaves nothing, and the stream's own error", async () => {
    const store = storeOfSmallParts({ client, bucket });
    const failure = new Error("the source broke");
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield* streamOf(body.subarray(0, 12 * 2 ** 20));
      throw failure;
    }
    await expect(store.create("jobs/a/broken", breaking())).rejects.toBe(failure);
    expect(await store.head("jobs/a/broken")).toBeUndefined();
    expect(await openUploads(client, bucket)).toEqual([]);
  });

  it("of many writers at once has one", async () => {
    const store = storeOfSmallParts({ client, bucket });
    const bodies = [1, 2, 3, 4].map((seed) => largeBody(10 * 2 ** 20 + seed, seed));
    const outcomes = await Promise.all(bodies.map((each) => store.create("jobs/a/contested", each)));
    const winners = bodies.filter((_, index) => outcomes[index] !== "conflict");
    expect(winners).toHaveLength(1);
    const found = await store.get("jobs/a/contested");
    expect(Buffer.compare(found?.body ?? new Uint8Array(), winners[0] ?? new Uint8Array())).toBe(0);
    expect(await openUploads(client, bucket)).toEqual([]);
  });

  it("that is replaced while it is read is read whole, as it was or as it is", async () => {
    const store = storeOfSmallParts({ client, bucket });
    const bodies = [1, 2, 3, 4, 5, 6].map((seed) => largeBody(12 * 2 ** 20, seed));
    const [first = new Uint8Array(), ...later] = bodies;
    let outcome = await store.create("jobs/a/moving", first);
    const reads = Promise.all([1, 2, 3].map(() => store.get("jobs/a/moving")));
    for (const next of later) {
      if (outcome === "conflict") throw new Error("expected nobody else to write");
      outcome = await store.replace("jobs/a/moving", next, outcome.etag);
    }
    for (const found of await reads) {
      const read = found?.body ?? new Uint8Array();
      expect(bodies.some((each) => Buffer.compare(each, read) === 0)).toBe(true);
    }
  });

  it("leaves no connection open, also where an answer was not read to its end", async () => {
    const connections = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
    const before = connections();
    const own = s3Client({ endpoint: ministack.endpoint });
    const store = storeOfSmallParts({ client: own, bucket });
    await store.get(key);
    await store.create(key, body);
    for await (const { bytes } of store.list("")) {
      expect(bytes).toBeGreaterThan(0);
      break;
    }
    own.destroy();
    await expect.poll(connections, { timeout: 10_000 }).toBeLessThanOrEqual(before);
  });
});
