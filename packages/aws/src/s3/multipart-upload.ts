import { crc32 } from "node:zlib";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  type CompletedPart,
  type S3Client,
} from "@aws-sdk/client-s3";
import { crc32Base64 } from "./body.js";

export interface Target {
  readonly client: S3Client;
  readonly bucket: string;
  readonly key: string;
  /** Parts under way at the same time. */
  readonly parallel: number;
}

/**
 * An object that appears when its last part is there, under the condition that none was there before. S3 checks the CRC-32 of every part,
 * and keeps that of the whole.
 */
export class MultipartUpload {
  readonly #target: Target;
  readonly #id: string;
  readonly #parts: CompletedPart[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #count = 0;
  #failure: { readonly error: unknown } | undefined;

  private constructor(target: Target, id: string) {
    this.#target = target;
    this.#id = id;
  }

  static async begin(target: Target, metadata: Readonly<Record<string, string>>): Promise<MultipartUpload> {
    const { client, bucket, key } = target;
    const checksum = { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" } as const;
    const { UploadId = "" } = await client.send(
      new CreateMultipartUploadCommand({ Bucket: bucket, Key: key, Metadata: metadata, ...checksum }),
    );
    return new MultipartUpload(target, UploadId);
  }

  /**
   * Sends the next part beside those that are under way, and resolves when there is room for one more.
   * @throws whatever an earlier part failed of
   */
  async add(body: Uint8Array): Promise<void> {
    this.#throwFailure();
    this.#count += 1;
    const sending = this.#send(this.#count, body)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
    if (this.#underWay.size >= this.#target.parallel) await Promise.race(this.#underWay);
    this.#throwFailure();
  }

  async #send(number: number, body: Uint8Array): Promise<void> {
    const { client, bucket, key } = this.#target;
    const ChecksumCRC32 = crc32Base64(crc32(body));
    const { ETag = "" } = await client.send(
      new UploadPartCommand({
        Bucket: bucket,
        Key: key,
        UploadId: this.#id,
        PartNumber: number,
        Body: body,
        ChecksumCRC32,
      }),
    );
    this.#parts.push({ PartNumber: number, ETag, ChecksumCRC32 });
  }

  /** Resolves when no part is under way any more; @throws whatever one of them failed of */
  async sent(): Promise<void> {
    await Promise.all(this.#underWay);
    this.#throwFailure();
  }

  async complete(): Promise<{ readonly etag: string }> {
    const { client, bucket, key } = this.#target;
    const Parts = this.#parts.toSorted((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
    const { ETag = "" } = await client.send(
      new CompleteMultipartUploadCommand({
        Bucket: bucket,
        Key: key,
        UploadId: this.#id,
        MultipartUpload: { Parts },
        IfNoneMatch: "*",
      }),
    );
    return { etag: ETag };
  }

  /** Frees the parts, which would be paid for until somebody does. */
  async abort(): Promise<void> {
    await Promise.all(this.#underWay);
    const { client, bucket, key } = this.#target;
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: this.#id }));
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
