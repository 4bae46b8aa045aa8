import { SQSClient } from "@aws-sdk/client-sqs";
import { commonConfig, metered, type AwsSettings } from "./settings.js";

/** Asks its own endpoint, whatever host a queue's URL names: that of an emulator's queue may name the real AWS. */
export function sqsClient(settings: AwsSettings = {}): SQSClient {
  const client = new SQSClient({ ...commonConfig(settings, "SQS"), useQueueUrlAsEndpoint: false });
  return metered(client, "sqs", settings.meter);
}
