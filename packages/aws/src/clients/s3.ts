import { S3Client } from "@aws-sdk/client-s3";
import { commonConfig, metered, type AwsSettings } from "./settings.js";

/** Buckets by path where there is an endpoint: `bucket.127.0.0.1` is no name. */
export function s3Client(settings: AwsSettings = {}): S3Client {
  const config = commonConfig(settings, "S3");
  return metered(new S3Client({ ...config, forcePathStyle: config.endpoint !== undefined }), "s3", settings.meter);
}
