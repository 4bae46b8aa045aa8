import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { StampedeError, type Presigner } from "@stampede/core";
import { s3AddressClient } from "../clients/s3.js";
import type { AwsSettings } from "../clients/settings.js";
import { factsOf } from "../error-facts.js";
import { checkKey } from "./object-key.js";
import { storeError } from "./store-error.js";

export interface S3PresignerOptions {
  /** Of a client of its own. */
  readonly settings: AwsSettings;
  readonly bucket: string;
}

/** What S3 says of parts that are not those of the upload. */
const notThere: ReadonlySet<string> = new Set([
  "NoSuchUpload",
  "InvalidPart",
  "InvalidPartOrder",
  "EntityTooSmall",
  "MalformedXML",
]);

/** Addresses of S3 that carry a signature of this process: with them the sizes and names that were signed, and no others. */
export class S3Presigner implements Presigner {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor({ settings, bucket }: S3PresignerOptions) {
    this.#client = s3AddressClient(settings);
    this.#bucket = bucket;
  }

  close(): void {
    this.#client.destroy();
  }

  async get(...[key, { seconds, fileName, type }]: Parameters<Presigner["get"]>): Promise<string> {
    const disposition = `attachment; filename="${fileName.replaceAll(/[^\w.-]/g, "_")}"`;
    const object = { ...this.#at(key), ResponseContentDisposition: disposition, ResponseContentType: type };
    return this.#call(key, () => getSignedUrl(this.#client, new GetObjectCommand(object), { expiresIn: seconds }));
  }

  async put(...[key, { seconds, bytes }]: Parameters<Presigner["put"]>): Promise<string> {
    const command = new PutObjectCommand({ ...this.#at(key), ContentLength: bytes });
    return this.#call(key, () => getSignedUrl(this.#client, command, { expiresIn: seconds, signableHeaders }));
  }

  async startParts(key: string): Promise<string> {
    const object = this.#at(key);
    const answer = await this.#call(key, () => this.#client.send(new CreateMultipartUploadCommand(object)));
    if (answer.UploadId !== undefined) return answer.UploadId;
    throw new StampedeError(
      "store.unavailable",
      `Expected S3 to begin an upload of ${key}, found no name for it. Try again.`,
    );
  }

  async putPart(...[key, { session, part, seconds, bytes }]: Parameters<Presigner["putPart"]>): Promise<string> {
    const object = { ...this.#at(key), UploadId: session, PartNumber: part, ContentLength: bytes };
    const command = new UploadPartCommand(object);
    return this.#call(key, () => getSignedUrl(this.#client, command, { expiresIn: seconds, signableHeaders }));
  }

  async completeParts(key: string, session: string, etags: readonly string[]): Promise<void> {
    const Parts = etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
    const request = { ...this.#at(key), UploadId: session, MultipartUpload: { Parts } };
    await this.#call(key, () => this.#client.send(new CompleteMultipartUploadCommand(request)));
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    checkKey(key);
    return { Bucket: this.#bucket, Key: key };
  }

  async #call<T>(key: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      const { name } = factsOf(error);
      if (!notThere.has(name)) throw storeError(error, "s3:PutObject", `${this.#bucket}/${key}`);
      const message = `Expected all parts of the upload ${key}, found that they are not there (${name}). Nothing was kept.`;
      throw new StampedeError("upload.not-found", message, { cause: error });
    }
  }
}

/** What must be as it was signed: otherwise whoever has an address could put any number of bytes there. */
const signableHeaders: Set<string> = new Set(["content-length", "host"]);
