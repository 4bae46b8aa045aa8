import { GetObjectCommand, HeadObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { isStampedeError, StampedeError, type ByteRange, type DataFiles, type OpenedFile } from "@stampede/core";
import { factsOf } from "./error-facts.js";
import { readAhead } from "./s3-files-reader.js";
import { parseS3Uri } from "./s3-uri.js";

export interface S3FilesOptions {
  readonly client: S3Client;
}

/** Calls of one range before its error counts, besides what the SDK repeats by itself: a body that breaks off is our affair. */
const triesOfRange = 3;

/**
 * The user's data files in S3, named `s3://bucket/key`. What is read is the object that was opened: every request carries its etag, and
 * an object that was replaced meanwhile is `data.not-readable`.
 */
export class S3DataFiles implements DataFiles {
  readonly #client: S3Client;

  constructor({ client }: S3FilesOptions) {
    this.#client = client;
  }

  async open(uri: string): Promise<OpenedFile> {
    const { bucket, key } = parseS3Uri(uri);
    const object = { Bucket: bucket, Key: key };
    const { ETag, ContentLength } = await this.#call(uri, () => this.#client.send(new HeadObjectCommand(object)));
    if (ETag === undefined || ContentLength === undefined) throw unanswered(uri, "an answer without etag and length");
    const abort = new AbortController();
    const fetchRange = (range: ByteRange): Promise<Uint8Array> =>
      this.#fetch(
        uri,
        { ...object, IfMatch: ETag, Range: `bytes=${range.start}-${range.end - 1}` },
        range,
        abort.signal,
      );
    return {
      bytes: ContentLength,
      version: ETag,
      reader: ({ start, end } = { start: 0, end: ContentLength }) =>
        readAhead(fetchRange, { start, end: Math.min(end, ContentLength) }),
      close: async () => abort.abort(),
    };
  }

  async #fetch(
    uri: string,
    request: { readonly Bucket: string; readonly Key: string; readonly IfMatch: string; readonly Range: string },
    { start, end }: ByteRange,
    abortSignal: AbortSignal,
  ): Promise<Uint8Array> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#call(uri, async () => {
          const { Body } = await this.#client.send(new GetObjectCommand(request), { abortSignal });
          const bytes = await Body?.transformToByteArray();
          if (bytes?.length === end - start) return bytes;
          throw unanswered(uri, `${bytes?.length ?? 0} of ${end - start} bytes`);
        });
      } catch (error) {
        const passing = isStampedeError(error) && error.code === "store.unavailable";
        if (!passing || tries === triesOfRange || abortSignal.aborted) throw error;
      }
    }
  }

  async #call<T>(uri: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw isStampedeError(error) ? error : s3FileError(uri, error);
    }
  }
}

const reasons: Readonly<Record<number, string>> = {
  301: "the bucket is in another region than the one that is asked",
  400: "S3 refused the request",
  403: "access is denied (where listing the bucket is not allowed, an object that does not exist is reported so too)",
  404: "there is no such object",
  412: "another program changed it while it was read",
  416: "another program changed it while it was read",
};

/** What a failed request means: of the user's doing, or one that may pass at another time. */
function s3FileError(uri: string, cause: unknown): StampedeError {
  const { name, message, status } = factsOf(cause);
  const reason = status === undefined ? undefined : reasons[status];
  if (reason === undefined) return unanswered(uri, `${name}: ${message}`, cause);
  const which = name === "NoSuchBucket" ? "there is no such bucket" : reason;
  const text = `Cannot read the data file ${uri}: ${which}. Nothing was written.`;
  return new StampedeError("data.not-readable", text, { details: { file: uri, status }, cause });
}

function unanswered(uri: string, found: string, cause?: unknown): StampedeError {
  const text = `Expected to read ${uri} from S3, found ${found}. It can be tried again.`;
  return new StampedeError("store.unavailable", text, { details: { file: uri }, cause });
}
