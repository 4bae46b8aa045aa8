import { sqsClient, SqsQueue } from "@stampede/aws";
import { afterAll, afterEach, expect, it, vi } from "vitest";
import { startWireServer, type WireServer } from "./wire-server.js";

vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");

/** Not to wait for long. */
const retries = { firstDelayMs: 1, throttledDelayMs: 1, longestDelayMs: 5 };

let server: WireServer;
afterEach(() => server.close());
afterAll(() => vi.unstubAllEnvs());

async function refusing(name: string, message: string): Promise<SqsQueue> {
  server = await startWireServer([{ status: 400, body: { __type: `com.amazonaws.sqs#${name}`, message } }]);
  const client = sqsClient({ endpoint: server.endpoint, retries });
  return new SqsQueue({ client, queueUrl: "https://sqs.us-east-1.amazonaws.com/123456789012/driver" });
}

/** What AWS, MiniStack and LocalStack say of a receipt that is not valid any more. */
const stale = [
  ["ReceiptHandleIsInvalid", "The input receipt handle is invalid."],
  ["MessageNotInflight", "The message referred to isn't in flight."],
  [
    "InvalidParameterValue",
    "Value AQEB for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.",
  ],
] as const;

it.each(stale)("does nothing for a stale receipt (%s)", async (name, message) => {
  const queue = await refusing(name, message);
  await queue.delete("stale");
  await queue.extend("stale", 1_000);
  expect(server.requests.map(({ headers }) => headers["x-amz-target"])).toEqual([
    "AmazonSQS.DeleteMessage",
    "AmazonSQS.ChangeMessageVisibility",
  ]);
});

it("refuses to hide a message for more than twelve hours after it was received", async () => {
  const reason =
    "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].";
  const queue = await refusing("InvalidParameterValue", reason);
  await expect(queue.extend("receipt", 43_200_000)).rejects.toMatchObject({
    code: "option.invalid",
    message: expect.stringContaining("beyond the limit"),
  });
});

it.each([
  ["RequestThrottled", 403, "store.unavailable"],
  ["OverLimit", 403, "store.unavailable"],
  ["ThrottlingException", 400, "store.unavailable"],
  ["AccessDenied", 403, "store.forbidden"],
  ["AccessDeniedException", 400, "store.forbidden"],
  ["Unheard", 403, "store.forbidden"],
])("reads %s with status %d as %s", async (name, status, code) => {
  server = await startWireServer([{ status, body: { __type: `com.amazonaws.sqs#${name}`, message: "no" } }]);
  const client = sqsClient({ endpoint: server.endpoint, retries });
  const queue = new SqsQueue({ client, queueUrl: "https://sqs.us-east-1.amazonaws.com/123456789012/driver" });
  await expect(queue.send("body")).rejects.toMatchObject({ code, details: { status, error: name } });
});
