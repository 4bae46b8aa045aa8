import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { EventTarget } from "./index.js";

/** What the rule in EventBridge does on AWS: of every job that failed it sends the event to a queue. */
export function failuresTo(client: SQSClient, queueUrl: string): EventTarget {
  return async (event) => {
    if (event.detail["status"] !== "FAILED") return;
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(event) }));
  };
}
