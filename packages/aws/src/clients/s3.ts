import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { commonConfig, metered, type AwsSettings } from "./settings.js";

/** Buckets by path where there is an endpoint: `bucket.127.0.0.1` is no name. */
export function s3Client(settings: AwsSettings = {}): S3Client {
  return connect(settings, {});
}

/**
 * For addresses that others send bodies to: an address has no body, and the checksum that the SDK would sign is that of nothing, which S3
 * would hold against whatever comes.
 */
export function s3AddressClient(settings: AwsSettings): S3Client {
  return connect(settings, { requestChecksumCalculation: "WHEN_REQUIRED" });
}

function connect(settings: AwsSettings, more: Pick<S3ClientConfig, "requestChecksumCalculation">): S3Client {
  const config = { ...commonConfig(settings, "S3"), ...more };
  return metered(new S3Client({ ...config, forcePathStyle: config.endpoint !== undefined }), "s3", settings.meter);
}
