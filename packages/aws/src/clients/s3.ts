import { S3Client } from "@aws-sdk/client-s3";
import { commonConfig, metered, type AwsSettings } from "./settings.js";

/** S3 throttles a prefix that is suddenly asked by many until it has spread it: a moment that is worth waiting for. */
const maxAttempts = 5;

/** Buckets by path where there is an endpoint: `bucket.127.0.0.1` is no name. */
export function s3Client(settings: AwsSettings = {}): S3Client {
  const config = { ...commonConfig(settings, "S3"), maxAttempts };
  return metered(new S3Client({ ...config, forcePathStyle: config.endpoint !== undefined }), "s3", settings.meter);
}
