import { isStampedeError, StampedeError } from "@stampede/core";
import { factsOf } from "./error-facts.js";

/** What AWS says of somebody who may not, whatever the status: SQS has 400 for some of them. */
const forbidden = /AccessDenied|UnrecognizedClient|InvalidClientTokenId|SignatureDoesNotMatch/;
/** A matter of time, whatever the status: SQS has 403 for them. */
const throttled = /Throttl|^OverLimit$|TooManyRequests/;
const notThere = /^(QueueDoesNotExist|ResourceNotFoundException)$/;

/**
 * What a request came to that failed after the SDK's own tries: `store.forbidden`, or `store.unavailable`.
 *
 * @param permission the IAM action that it takes
 * @param place as in `the queue URL`
 */
export function serviceError(error: unknown, permission: string, place: string): StampedeError {
  if (isStampedeError(error)) return error;
  const { name, message, status } = factsOf(error);
  const details = { place, status, error: name };
  if ((status === 403 && !throttled.test(name)) || forbidden.test(name)) {
    const text = `Expected to be allowed ${permission} on ${place}, found: ${name}: ${message}. Nothing was done; mend the policy of the role or user, then go on.`;
    return new StampedeError("store.forbidden", text, { details, cause: error });
  }
  if (notThere.test(name)) {
    const text = `Expected ${place}, found none of that name in this account and region. Nothing was done; deploy Stampede, or mend its variables.`;
    return new StampedeError("store.unavailable", text, { details, cause: error });
  }
  const text = `Expected AWS to answer ${permission} on ${place}, found: ${name}: ${message}. It can be tried again.`;
  return new StampedeError("store.unavailable", text, { details, cause: error });
}
