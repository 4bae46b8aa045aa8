import { isStampedeError, StampedeError, type ErrorCode } from "@stampede/core";
import { factsOf, type ErrorFacts } from "../error-facts.js";
import { lastWords } from "../failed-task.js";

/** The IAM actions of requests whose failure is told. */
export type Permission = "s3:GetObject" | "s3:PutObject" | "s3:DeleteObject" | "s3:ListBucket";

/** Nobody was recognised: no policy would help. */
const credentialErrors: ReadonlySet<string> = new Set([
  "CredentialsProviderError",
  "ExpiredToken",
  "InvalidAccessKeyId",
  "InvalidToken",
  "SignatureDoesNotMatch",
]);

const elsewhere: ReadonlySet<string> = new Set(["PermanentRedirect", "AuthorizationHeaderMalformed"]);

/**
 * What a failed request means for whoever uses the store. Errors that S3 has no part in (memory that is not to be had) stay as they are.
 *
 * @param permission the IAM action that it takes
 * @param place `bucket/key`, or the bucket
 */
export function storeError(error: unknown, permission: Permission, place: string): unknown {
  if (isStampedeError(error) || error instanceof RangeError) return error;
  const facts = factsOf(error);
  const { code, text } = explain(facts, permission, place);
  const { name, status } = facts;
  return new StampedeError(code, text, { details: { place, permission, status, error: name }, cause: error });
}

interface Explained {
  readonly code: ErrorCode;
  readonly text: string;
}

function explain({ name, status, message }: ErrorFacts, permission: Permission, place: string): Explained {
  // The answer to a HEAD has no body: the SDK knows no name for it.
  const said = lastWords(
    name.startsWith("Unknown") && status !== undefined ? `status ${status}` : `${name}: ${message}`,
  );
  if (credentialErrors.has(name)) {
    const text = `Expected credentials that AWS knows for ${permission} on s3://${place}, found: ${said}. Nothing was changed; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, then go on.`;
    return { code: "store.forbidden", text };
  }
  if (status === 403) {
    const text = `Expected to be allowed ${permission} on s3://${place}${beside(permission)}, found: ${said}. Nothing was changed; mend the policy of the role or user, then go on.`;
    return { code: "store.forbidden", text };
  }
  if (name === "NoSuchBucket" || name === "InvalidBucketName") {
    const text = `Expected the bucket of s3://${place}, found none of that name in this account and region. Deploy Stampede, or mend STAMPEDE_BUCKET.`;
    return { code: "store.not-writable", text };
  }
  if (status === 301 || elsewhere.has(name)) {
    const text = `Expected the bucket of s3://${place} in the region that was asked, found: ${said}. Set AWS_REGION to the bucket's own region.`;
    return { code: "store.not-writable", text };
  }
  const text = `Expected S3 to answer ${permission} on s3://${place}, found: ${said}. It can be tried again.`;
  return { code: "store.unavailable", text };
}

/** Without it S3 does not tell that an object is not there, but that one may not know. */
function beside(permission: Permission): string {
  if (permission !== "s3:GetObject") return "";
  return " (and s3:ListBucket on the bucket: without it S3 answers 403 where 404 was meant, for an object that does not exist)";
}
