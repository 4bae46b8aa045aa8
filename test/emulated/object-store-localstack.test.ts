import { s3Client } from "@stampede/aws";
import { objectStoreContract } from "@stampede/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPython313, startLocalStack, type LocalStack } from "../../infra/emulated/localstack.js";
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

/** A second judge of the same promises: it evaluates conditions itself, and its 409 is not ours. */
const python = await findPython313();
if (python === undefined) process.stderr.write("LocalStack is left out: it needs Python 3.13, which is not here.\n");

describe.skipIf(python === undefined)("on LocalStack", () => {
  let localstack: LocalStack;
  beforeAll(async () => {
    localstack = await startLocalStack(python ?? "");
  });
  afterAll(() => localstack.stop());

  objectStoreContract("S3ObjectStore on LocalStack", () => openS3Harness(localstack.endpoint), {
    etagsFollowBodies: true,
  });

  describe("an upload in parts", () => {
    const key = "jobs/a/weights";
    const body = largeBody(11 * 2 ** 20);

    it("is written in parts, and read in parts", async () => {
      const client = s3Client({ endpoint: localstack.endpoint });
      const store = storeOfSmallParts({ client, bucket: await createBucket(client) });
      await store.create(key, body);
      expect(Buffer.compare((await store.get(key))?.body ?? new Uint8Array(), body)).toBe(0);
      expect(await store.create(key, body)).toBe("conflict");
      client.destroy();
    });

    it("that met others is refused with 409: a stream cannot be sent again, and leaves nothing", async () => {
      const client = s3Client({ endpoint: localstack.endpoint });
      const bucket = await createBucket(client);
      const store = storeOfSmallParts({ client, bucket });
      // An upload that begins while the object is there, and ends after it went, is refused for good.
      await store.create(key, new Uint8Array(1));
      async function* disturbed(): AsyncGenerator<Uint8Array> {
        yield* streamOf(body);
        await store.delete(key);
      }
      await expect(store.create(key, disturbed())).rejects.toMatchObject({
        code: "store.unavailable",
        message: expect.stringContaining("ConditionalRequestConflict"),
      });
      expect(await store.head(key)).toBeUndefined();
      expect(await openUploads(client, bucket)).toEqual([]);
      // What a stream could not do its caller can.
      expect(await store.create(key, streamOf(body))).not.toBe("conflict");
      client.destroy();
    });
  });
});
