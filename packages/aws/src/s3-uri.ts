import { StampedeError } from "@stampede/core";

/** An object of the user's. */
export interface S3Place {
  readonly bucket: string;
  readonly key: string;
}

const bucketName = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const maxKeyBytes = 1024;

/**
 * Takes `s3://bucket/key` apart. The key is taken as it stands: nothing in it is decoded.
 *
 * @throws StampedeError `data.not-readable`
 */
export function parseS3Uri(uri: string): S3Place {
  const [, bucket = "", key = ""] = /^s3:\/\/([^/]*)\/(.*)$/is.exec(uri) ?? [];
  const found = problemOf(bucket, key);
  if (found === undefined) return { bucket, key };
  const text = `Expected s3://bucket/key as the name of a data file, found ${JSON.stringify(uri.slice(0, 200))}: ${found}. Nothing was written.`;
  throw new StampedeError("data.not-readable", text, { details: { file: uri } });
}

function problemOf(bucket: string, key: string): string | undefined {
  if (!bucketName.test(bucket)) return "the bucket must be 3 to 63 characters a-z, 0-9, . and -";
  if (key === "" || key.endsWith("/")) return "the key names no object";
  if (Buffer.byteLength(key) > maxKeyBytes) return `the key is longer than ${maxKeyBytes} bytes`;
  // Some clients and servers resolve such parts, as in a path, and would then read another object.
  if (key.split("/").some((part) => part === "." || part === "..")) return "the key has a part . or ..";
  return /\p{Cc}/u.test(key) ? "the key has a control character" : undefined;
}
