import { randomUUID } from "node:crypto";
import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { ByteRange, ObjectInfo, ObjectStore, StoredObject, WriteOutcome } from "@stampede/core";
import { carryOut, tokenName } from "./conditional-write.js";
import { byCodeUnit, isPlain } from "./key-order.js";
import { MultipartUpload } from "./multipart-upload.js";
import { checkKey } from "./object-key.js";
import { inParts, slicesOf } from "./parts.js";
import { readRange, readWhole, type Source } from "./read.js";
import { refusalOf } from "./sdk-error.js";
import { storeError, type Permission } from "./store-error.js";

export interface S3ObjectStoreOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** Bodies above it are written in parts of this size, and above twice of it read so. 5 MiB at least (limit of S3). @default 8 MiB */
  readonly partBytes?: number;
  /** Parts of one object that are read at the same time; half as many are written. @default 8 */
  readonly parallel?: number;
}

const mib = 2 ** 20;
/** S3 takes 10,000 parts: with 8 MiB each, streams of up to 78 GiB. */
const smallestPart = 5 * mib;

/** An upload in parts met others of the same key, and has to be made anew. */
const maxUploads = 3;
/** Of the completion of one, before that. */
const conflictsOfUpload = 4;

interface InPlace {
  readonly bytes: number;
  readonly etag: string;
  readonly token: string | undefined;
}

/**
 * The object store on S3. An object appears by `If-None-Match: *` and moves on by `If-Match`, so that S3 itself decides who is first.
 * Memory is a body once, or `parallel / 2 + 1` parts of a stream.
 *
 * An etag follows from the body here: of two equal bodies nobody can tell which is in place. Whoever replaces objects MUST write
 * bodies that differ, as all of Stampede's do: they carry a token.
 *
 * Besides the errors of the port: `store.forbidden`, which names the permission, and `store.invalid-key`.
 */
export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #partBytes: number;
  readonly #parallel: number;

  /** @throws RangeError for parts that S3 does not take */
  constructor({ client, bucket, partBytes = 8 * mib, parallel = 8 }: S3ObjectStoreOptions) {
    if (partBytes < smallestPart) {
      throw new RangeError(`Expected parts of ${smallestPart} bytes or more, as S3 does, found ${partBytes}.`);
    }
    this.#client = client;
    this.#bucket = bucket;
    this.#partBytes = partBytes;
    this.#parallel = parallel;
  }

  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    checkKey(key);
    const found = await this.#explained("s3:GetObject", key, async () => {
      if (range === undefined) return readWhole(this.#source(key));
      return range.start < range.end ? readRange(this.#source(key), range) : "nothing";
    });
    if (found !== "nothing") return found;
    const head = await this.#head(key);
    return head && { body: new Uint8Array(0), etag: head.etag };
  }

  async head(key: string): Promise<{ readonly bytes: number; readonly etag: string } | undefined> {
    checkKey(key);
    const found = await this.#head(key);
    return found && { bytes: found.bytes, etag: found.etag };
  }

  async create(key: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<WriteOutcome> {
    checkKey(key);
    if (!(body instanceof Uint8Array)) return this.#createFrom(key, inParts(body, this.#partBytes));
    if (body.length <= this.#partBytes) return this.#put(key, body, { IfNoneMatch: "*" });
    return this.#createFrom(key, slicesOf(body, this.#partBytes), () => slicesOf(body, this.#partBytes));
  }

  async replace(key: string, body: Uint8Array, etag: string): Promise<WriteOutcome> {
    checkKey(key);
    // Not even an etag: S3 would refuse the request, or take it for none.
    if (etag === "") return "conflict";
    return this.#put(key, body, { IfMatch: etag });
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    // S3 orders by UTF-8, which differs only where keys have rare characters: from the first of those on everything is sorted here.
    const rare: ObjectInfo[] = [];
    let after: string | undefined;
    do {
      const page = await this.#page(prefix, after);
      for (const { Key = "", Size = 0, LastModified } of page.Contents ?? []) {
        const info = { key: Key, bytes: Size, modifiedAt: LastModified?.getTime() ?? 0 };
        if (rare.length > 0 || !isPlain(Key)) rare.push(info);
        else yield info;
      }
      after = page.NextContinuationToken;
    } while (after !== undefined);
    yield* rare.toSorted((a, b) => byCodeUnit(a.key, b.key));
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: key });
    await this.#explained("s3:DeleteObject", key, () => this.#client.send(command));
  }

  #page(prefix: string, after: string | undefined): Promise<ListObjectsV2CommandOutput> {
    const place = { Bucket: this.#bucket, Prefix: prefix };
    const command = new ListObjectsV2Command({ ...place, ...(after !== undefined && { ContinuationToken: after }) });
    return this.#explained("s3:ListBucket", prefix, () => this.#client.send(command));
  }

  /** `PutObject` takes 5 GiB: more than a record may be, which is what is replaced. */
  #put(
    key: string,
    body: Uint8Array,
    condition: { readonly IfNoneMatch: "*" } | { readonly IfMatch: string },
  ): Promise<WriteOutcome> {
    const token = randomUUID();
    const request = { Bucket: this.#bucket, Key: key, Body: body, Metadata: { [tokenName]: token }, ...condition };
    const send = async (): Promise<{ etag: string }> => {
      const { ETag = "" } = await this.#client.send(new PutObjectCommand(request));
      return { etag: ETag };
    };
    return this.#explained("s3:PutObject", key, () => carryOut({ send, inPlace: () => this.#head(key), token }));
  }

  /** @param again the parts once more, where they can be had: a stream comes once */
  async #createFrom(
    key: string,
    parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    again?: () => Iterable<Uint8Array>,
  ): Promise<WriteOutcome> {
    for (let uploads = 1; ; uploads += 1) {
      const next = uploads === 1 || again === undefined ? parts : again();
      try {
        return await this.#uploadParts(key, next);
      } catch (error) {
        // S3 wants such an upload to be made anew.
        const isConflict = error instanceof Error && refusalOf(error.cause) === "conflicting";
        if (!isConflict || again === undefined || uploads === maxUploads) throw error;
      }
    }
  }

  /** One part needs no upload in parts. Chunks of a stream are copied before the next is asked for. */
  async #uploadParts(key: string, parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<WriteOutcome> {
    const token = randomUUID();
    let first: Uint8Array | undefined;
    let upload: MultipartUpload | undefined;
    try {
      for await (const part of parts) {
        if (first === undefined) {
          first = part;
          continue;
        }
        upload ??= await this.#begin(key, token, first);
        await this.#add(key, upload, part);
      }
      if (upload === undefined) return await this.#put(key, first ?? new Uint8Array(0), { IfNoneMatch: "*" });
      const outcome = await this.#complete(key, upload, token);
      if (outcome === "conflict") await this.#abort(upload);
      return outcome;
    } catch (error) {
      if (upload !== undefined) await this.#abort(upload);
      throw error;
    }
  }

  async #begin(key: string, token: string, first: Uint8Array): Promise<MultipartUpload> {
    // Half as many as are read: each of a stream's is memory until it is sent.
    const parallel = Math.ceil(this.#parallel / 2);
    const target = { client: this.#client, bucket: this.#bucket, key, parallel };
    const begin = (): Promise<MultipartUpload> => MultipartUpload.begin(target, { [tokenName]: token });
    const upload = await this.#explained("s3:PutObject", key, begin);
    await this.#add(key, upload, first);
    return upload;
  }

  #add(key: string, upload: MultipartUpload, part: Uint8Array): Promise<void> {
    return this.#explained("s3:PutObject", key, () => upload.add(part));
  }

  #complete(key: string, upload: MultipartUpload, token: string): Promise<WriteOutcome> {
    return this.#explained("s3:PutObject", key, async () => {
      await upload.sent();
      const send = (): Promise<{ readonly etag: string }> => upload.complete();
      return carryOut({ send, inPlace: () => this.#head(key), token, conflicts: conflictsOfUpload });
    });
  }

  /** The write has failed, or lost: that its parts could not be freed is no more than a cost. */
  async #abort(upload: MultipartUpload): Promise<void> {
    await upload.abort().catch(() => undefined);
  }

  async #head(key: string): Promise<InPlace | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.#bucket, Key: key });
    return this.#explained("s3:GetObject", key, async () => {
      try {
        const found = await this.#client.send(command);
        return { bytes: found.ContentLength ?? 0, etag: found.ETag ?? "", token: found.Metadata?.[tokenName] };
      } catch (error) {
        if (refusalOf(error) === "missing") return undefined;
        throw error;
      }
    });
  }

  #source(key: string): Source {
    return {
      client: this.#client,
      bucket: this.#bucket,
      key,
      partBytes: this.#partBytes,
      parallel: this.#parallel,
    };
  }

  async #explained<T>(permission: Permission, key: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw storeError(error, permission, `${this.#bucket}/${key}`);
    }
  }
}
