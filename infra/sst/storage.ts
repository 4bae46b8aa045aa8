import { isKept, settings } from "./stage.js";

/**
 * The bucket of all jobs and data sets: private, encrypted, by TLS only. Nothing is versioned: no object is written twice but heads,
 * whose history nobody reads.
 */
export function createBucket(): sst.aws.Bucket {
  const bucket = new sst.aws.Bucket("Jobs", {
    cors: false,
    enforceHttps: true,
    transform: {
      bucket: { forceDestroy: !isKept },
    },
  });
  new aws.s3.BucketServerSideEncryptionConfiguration("JobsEncryption", {
    bucket: bucket.name,
    rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
  });
  new aws.s3.BucketOwnershipControls("JobsOwnership", {
    bucket: bucket.name,
    rule: { objectOwnership: "BucketOwnerEnforced" },
  });
  new aws.s3.BucketLifecycleConfiguration("JobsLifecycle", { bucket: bucket.name, rules: lifecycleRules() });
  return bucket;
}

function lifecycleRules(): aws.types.input.s3.BucketLifecycleConfigurationRule[] {
  // What a killed process leaves of an upload in parts is seen nowhere, and is paid for.
  const unfinished = {
    id: "unfinished-uploads",
    status: "Enabled",
    filter: { prefix: "" },
    abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
  };
  if (settings.keepJobsDays === 0) return [unfinished];
  const old = {
    id: "old-jobs",
    status: "Enabled",
    filter: { prefix: "jobs/" },
    expiration: { days: settings.keepJobsDays },
  };
  return [unfinished, old];
}
