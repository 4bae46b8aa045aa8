import { StampedeError } from "@stampede/core";
import { serviceError } from "../service-error.js";

/** What SQS says of a receipt that is not the message's last one, or whose message is gone. */
const stale: ReadonlySet<string> = new Set(["ReceiptHandleIsInvalid", "MessageNotInflight"]);
/** Of a request's content: another try ends the same. */
const wrong: ReadonlySet<string> = new Set(["InvalidMessageContents", "InvalidParameterValue"]);

export function isStaleReceipt(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // The second also stands for a visibility that is too long.
  return stale.has(error.name) || (error.name === "InvalidParameterValue" && error.message.includes("ReceiptHandle"));
}

/** @param permission the IAM action that the request takes */
export function queueError(error: unknown, permission: string, queueUrl: string): StampedeError {
  const isWrong = error instanceof Error && wrong.has(error.name);
  if (!isWrong) return serviceError(error, permission, `the queue ${queueUrl}`);
  const text = `Expected the queue ${queueUrl} to take a request of ${permission}, found: ${error.message}. Nothing was sent or received.`;
  return new StampedeError("option.invalid", text, { details: { queue: queueUrl, error: error.name }, cause: error });
}
