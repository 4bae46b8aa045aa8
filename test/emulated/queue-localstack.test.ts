import type { SQSClient } from "@aws-sdk/client-sqs";
import { sqsClient } from "@stampede/aws";
import { queueContract } from "@stampede/testing";
import { afterAll, beforeAll, describe } from "vitest";
import { findPython313, startLocalStack, type LocalStack } from "../../infra/emulated/localstack.js";
import { queueHarness, stubAwsVariables } from "./support/queues.js";

stubAwsVariables();

const python = await findPython313();

/** A second opinion of what SQS does. */
describe.runIf(python !== undefined)("LocalStack, which needs Python 3.13", () => {
  let localstack: LocalStack;
  let client: SQSClient;
  beforeAll(async () => {
    localstack = await startLocalStack(python ?? "");
    client = sqsClient({ endpoint: localstack.endpoint });
  });
  afterAll(async () => {
    client.destroy();
    await localstack.stop();
  });

  // https://github.com/localstack/localstack/issues/13222
  queueContract("SqsQueue, on LocalStack", () => queueHarness(client), ["stale receipts act"]);
});
