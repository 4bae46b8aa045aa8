import { GetObjectCommand, type GetObjectCommandOutput, type S3Client } from "@aws-sdk/client-s3";
import type { ByteRange, StoredObject } from "@stampede/core";
import pLimit from "p-limit";
import { BrokenBody, checkCrc32, drop, fill, withWholeBody } from "./body.js";
import { refusalOf } from "./sdk-error.js";

export interface Source {
  readonly client: S3Client;
  readonly bucket: string;
  readonly key: string;
  /** Up to twice of it is read by one request. */
  readonly partBytes: number;
  /** Requests at the same time. */
  readonly parallel: number;
}

/** How often an object that changes while it is read in parts is begun anew. */
const maxChanges = 5;

/**
 * A whole object; a large one by ranges at the same time, all of one version. It is checked against the checksum that was stored with it.
 */
export function readWhole(source: Source): Promise<StoredObject | undefined> {
  return unchanged(async () => {
    const first = await ask(source, {});
    if (first === undefined) return undefined;
    const { Body, ContentLength: bytes = 0, ETag: etag = "" } = first;
    const body = new Uint8Array(bytes);
    if (bytes <= 2 * source.partBytes) {
      await fill(body, Body);
      return { body, etag };
    }
    // The rest of this answer is not wanted: many connections are faster than one.
    drop(Body);
    if (!(await fillInParts(source, body, 0, etag))) return "changed";
    checkCrc32(body, first.ChecksumCRC32);
    return { body, etag };
  });
}

/** @returns "nothing" where the object has no such bytes; undefined where there is no object */
export function readRange(source: Source, { start, end }: ByteRange): Promise<StoredObject | undefined | "nothing"> {
  return unchanged(async () => {
    const firstEnd = end - start <= 2 * source.partBytes ? end : start + source.partBytes;
    const first = await askRange(source, { start, end: firstEnd });
    if (first === undefined || first === "nothing") return first;
    const { Body, total, etag } = first;
    const body = new Uint8Array(Math.min(end, total) - start);
    const firstBytes = Math.min(body.length, firstEnd - start);
    await fill(body.subarray(0, firstBytes), Body);
    if (!(await fillInParts(source, body.subarray(firstBytes), start + firstBytes, etag))) return "changed";
    return { body, etag };
  });
}

async function unchanged<T>(read: () => Promise<T | "changed">): Promise<T> {
  for (let changes = 0; changes <= maxChanges; changes += 1) {
    const found = await withWholeBody(read);
    if (found !== "changed") return found;
  }
  throw new Error(`the object changed ${maxChanges + 1} times while it was read`);
}

/**
 * Reads the bytes from `from` on that `body` has room for.
 * @returns false when another object, or none, is there by now
 */
async function fillInParts(source: Source, body: Uint8Array, from: number, etag: string): Promise<boolean> {
  const { partBytes, parallel } = source;
  const limit = pLimit(parallel);
  const abort = new AbortController();
  const starts = Array.from({ length: Math.ceil(body.length / partBytes) }, (_, index) => index * partBytes);
  const fillPart = async (start: number): Promise<void> => {
    const part = body.subarray(start, start + partBytes);
    const range = { start: from + start, end: from + start + part.length };
    const found = await askRange(source, range, { etag, signal: abort.signal });
    if (found === undefined || found === "nothing") throw new Changed();
    await fill(part, found.Body);
  };
  try {
    await Promise.all(starts.map((start) => limit(() => withWholeBody(() => fillPart(start)))));
    return true;
  } catch (error) {
    limit.clearQueue();
    abort.abort();
    if (error instanceof Changed || refusalOf(error) === "precondition") return false;
    throw error;
  }
}

class Changed extends Error {}

interface Asked {
  readonly Range?: string;
  readonly etag?: string;
  readonly signal?: AbortSignal;
}

interface Part {
  readonly Body: GetObjectCommandOutput["Body"];
  /** Of the whole object. */
  readonly total: number;
  readonly etag: string;
}

async function askRange(
  source: Source,
  { start, end }: ByteRange,
  asked: Asked = {},
): Promise<Part | "nothing" | undefined> {
  try {
    const found = await ask(source, { ...asked, Range: `bytes=${start}-${end - 1}` });
    if (found === undefined) return undefined;
    const { Body, ContentRange = "", ETag: etag = "" } = found;
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange) ?? [];
    if (Number(from) === start) return { Body, total: Number(total), etag };
    drop(Body);
    throw new BrokenBody(`asked for the range that begins at byte ${start}, the store gave "${ContentRange}"`);
  } catch (error) {
    if (refusalOf(error) === "range") return "nothing";
    throw error;
  }
}

async function ask(
  { client, bucket, key }: Source,
  { Range, etag, signal }: Asked,
): Promise<GetObjectCommandOutput | undefined> {
  const command = new GetObjectCommand({
    Bucket: bucket,
    Key: key,
    ...(Range !== undefined && { Range }),
    ...(etag !== undefined && { IfMatch: etag }),
  });
  try {
    return await client.send(command, signal && { abortSignal: signal });
  } catch (error) {
    if (refusalOf(error) === "missing") return undefined;
    throw error;
  }
}
