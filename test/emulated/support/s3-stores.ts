import { randomUUID } from "node:crypto";
import { CreateBucketCommand, ListMultipartUploadsCommand, type S3Client } from "@aws-sdk/client-s3";
import { s3Client, S3ObjectStore, type S3ObjectStoreOptions } from "@stampede/aws";
import type { ObjectStoreHarness } from "@stampede/testing";

/** A store in a bucket of its own, for the contract suite. */
export async function openS3Harness(endpoint: string): Promise<ObjectStoreHarness> {
  const clients: S3Client[] = [];
  const connect = (): S3Client => {
    const client = s3Client({ endpoint });
    clients.push(client);
    return client;
  };
  const bucket = await createBucket(connect());
  const open = (): S3ObjectStore => new S3ObjectStore({ client: connect(), bucket });
  return {
    store: open(),
    another: () => Promise.resolve(open()),
    close: () => {
      for (const client of clients) client.destroy();
      return Promise.resolve();
    },
  };
}

/** @returns its name, which no other had before */
export async function createBucket(client: S3Client): Promise<string> {
  const Bucket = `bucket-${randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket }));
  return Bucket;
}

const mib = 2 ** 20;

/** With the smallest parts, so that 16 MiB are a large object. */
export function storeOfSmallParts(options: Pick<S3ObjectStoreOptions, "client" | "bucket">): S3ObjectStore {
  return new S3ObjectStore({ ...options, partBytes: 5 * mib, parallel: 3 });
}

/** Bytes that differ everywhere, and from one seed to the next. */
export function largeBody(bytes: number, seed = 1): Uint8Array {
  const body = new Uint8Array(bytes);
  const words = new Uint32Array(body.buffer, 0, bytes >> 2);
  let state = seed;
  for (let index = 0; index < words.length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[index] = state;
  }
  return body;
}

/** In chunks that lie in the same memory, one after the other. */
export async function* streamOf(body: Uint8Array, chunkBytes = 1_000_003): AsyncGenerator<Uint8Array> {
  const memory = new Uint8Array(chunkBytes);
  for (let start = 0; start < body.length; start += chunkBytes) {
    const chunk = body.subarray(start, start + chunkBytes);
    memory.set(chunk);
    yield await Promise.resolve(memory.subarray(0, chunk.length));
  }
}

/** Uploads in parts that are neither completed nor aborted: they would be paid for. */
export async function openUploads(client: S3Client, Bucket: string): Promise<readonly string[]> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  return Uploads.map(({ Key = "" }) => Key);
}
