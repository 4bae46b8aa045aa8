import { randomBytes } from "node:crypto";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { Asker } from "./asker.js";

export interface Written {
  readonly etag: string;
}

/** A place in a bucket where the doctor may write, and which it leaves as it was. */
export class Ground {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly asker: Asker;
  readonly #prefix = `doctor/${randomBytes(6).toString("hex")}/`;
  readonly #isOwn: boolean;
  readonly #keys = new Set<string>();

  private constructor(s3: S3Client, asker: Asker, bucket: string, isOwn: boolean) {
    this.s3 = s3;
    this.asker = asker;
    this.bucket = bucket;
    this.#isOwn = isOwn;
  }

  /**
   * The bucket that was given, or one that is made for the occasion.
   * @throws Refused, Error of the SDK
   */
  static async open(s3: S3Client, asker: Asker, given: string | undefined, region: string): Promise<Ground> {
    if (given !== undefined) {
      await asker.ask("s3:ListBucket", () => s3.send(new ListObjectsV2Command({ Bucket: given, MaxKeys: 1 })));
      return new Ground(s3, asker, given, false);
    }
    const bucket = `stampede-doctor-${randomBytes(8).toString("hex")}`;
    // The one region that must not be named.
    const place = region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint: regionOf(region) } };
    await asker.ask("s3:CreateBucket", () => s3.send(new CreateBucketCommand({ Bucket: bucket, ...place })));
    return new Ground(s3, asker, bucket, true);
  }

  /** For whom the bucket cannot be listed: everything else can still be tried. */
  static unlisted(s3: S3Client, asker: Asker, bucket: string): Ground {
    return new Ground(s3, asker, bucket, false);
  }

  /** What was tried, for people. */
  get name(): string {
    return this.#isOwn ? `${this.bucket} (made for this check, and removed)` : this.bucket;
  }

  key(name: string): string {
    return this.#prefix + name;
  }

  /** Has an object removed in the end that was, or may have been, written. */
  mark(key: string): void {
    this.#keys.add(key);
  }

  async put(
    key: string,
    body: string,
    condition: Pick<PutObjectCommandInput, "IfMatch" | "IfNoneMatch" | "ChecksumCRC32"> = {},
  ): Promise<Written> {
    const command = new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body, ...condition });
    const answer = await this.asker
      .ask("s3:PutObject", () => this.s3.send(command))
      .finally(() => {
        if (!this.asker.refused.includes("s3:PutObject")) this.mark(key);
      });
    return { etag: answer.ETag ?? "" };
  }

  async get(key: string, range?: string): Promise<string> {
    const command = new GetObjectCommand({
      Bucket: this.bucket,
      Key: key,
      ...(range !== undefined && { Range: range }),
    });
    const answer = await this.asker.ask("s3:GetObject", () => this.s3.send(command));
    return (await answer.Body?.transformToString()) ?? "";
  }

  async delete(key: string): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.bucket, Key: key });
    await this.asker.ask("s3:DeleteObject", () => this.s3.send(command));
  }

  /** The names below `name`, as they are listed. */
  async list(name: string): Promise<readonly string[]> {
    const prefix = this.#prefix + name;
    const command = new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix });
    const { Contents = [] } = await this.asker.ask("s3:ListBucket", () => this.s3.send(command));
    return Contents.map(({ Key = "" }) => Key.slice(prefix.length));
  }

  /** @throws Error naming what stays behind */
  async cleanUp(): Promise<void> {
    const left: string[] = [];
    for (const key of this.#keys) await this.delete(key).catch(() => left.push(key));
    if (this.#isOwn) {
      const remove = new DeleteBucketCommand({ Bucket: this.bucket });
      await this.asker
        .ask("s3:DeleteBucket", () => this.s3.send(remove))
        .catch(() => left.push(`the bucket ${this.bucket}`));
    }
    if (left.length > 0) throw new Error(`could not remove ${left.slice(0, 5).join(", ")} in ${this.bucket}`);
  }
}

type LocationConstraint = NonNullable<
  NonNullable<ConstructorParameters<typeof CreateBucketCommand>[0]["CreateBucketConfiguration"]>["LocationConstraint"]
>;

/** The SDK lists the regions that it knows; there may be more. */
function regionOf(region: string): LocationConstraint {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return region as LocationConstraint;
}
