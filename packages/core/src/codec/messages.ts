import type * as z from "zod";
import { StampedeError } from "../errors.js";
import { describeProblems } from "../parse/describe-problems.js";
import { recordToJson } from "./records.js";

/** The limit of SQS, in bytes: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const maxMessageBytes = 1_048_576;

/**
 * A message or invocation payload as JSON.
 * @throws StampedeError `internal.unexpected` when the value does not fit its schema
 */
export function encodeMessage<S extends z.ZodType>(schema: S, value: z.output<S>): string {
  return recordToJson(schema, value);
}

/**
 * @param queueName where the text came from, for messages
 * @throws StampedeError `message.invalid` when it is larger than 1 MiB, not JSON, or does not fit the schema
 */
export function decodeMessage<S extends z.ZodType>(schema: S, text: string, queueName: string): z.output<S> {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxMessageBytes) throw refuse(queueName, `at most ${maxMessageBytes} bytes`, `${bytes} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refuse(queueName, "JSON", String(cause), cause);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = describeProblems(schema, value, parsed.error.issues).map((problem) => problem.text);
  throw refuse(queueName, "a valid message", problems.join("; "), parsed.error);
}

function refuse(queueName: string, expected: string, found: string, cause?: unknown): StampedeError {
  const message = `Expected ${expected} on ${queueName}, found ${found}. The message is not acted on.`;
  return new StampedeError("message.invalid", message, { details: { queue: queueName }, cause });
}
