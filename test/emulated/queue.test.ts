import { CreateAccessKeyCommand, CreateUserCommand, IAMClient } from "@aws-sdk/client-iam";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { sqsClient, SqsQueue } from "@stampede/aws";
import { queueContract } from "@stampede/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startMiniStack, type MiniStack } from "../../infra/emulated/ministack.js";
import { createQueue, queueHarness, stubAwsVariables } from "./support/queues.js";

stubAwsVariables();

let ministack: MiniStack;
let client: SQSClient;
beforeAll(async () => {
  ministack = await startMiniStack({ checkPermissions: true });
  client = sqsClient({ endpoint: ministack.endpoint });
});
afterAll(async () => {
  client.destroy();
  await ministack.stop();
});

queueContract("SqsQueue, on MiniStack", () => queueHarness(client));

describe("SqsQueue", () => {
  it("asks its endpoint whatever host the queue's URL names", async () => {
    const { url } = await createQueue(client);
    const foreign = url.replace(/^https?:\/\/[^/]+/, "https://sqs.us-east-1.amazonaws.com");
    expect(foreign).not.toBe(url);
    const queue = new SqsQueue({ client, queueUrl: foreign });
    await queue.send("here");
    const [message] = await queue.receive({ max: 1, waitMs: 0, visibilityMs: 30_000 });
    expect(message?.body).toBe("here");
    await queue.delete(message?.receipt ?? "");
  });

  it("rounds a delay up to whole seconds, so that nothing comes early", async () => {
    const { url } = await createQueue(client);
    const queue = new SqsQueue({ client, queueUrl: url });
    const sentAt = performance.now();
    await queue.send("later", { delayMs: 1_200 });
    const [message] = await queue.receive({ max: 1, waitMs: 5_000, visibilityMs: 1 });
    expect(message?.body).toBe("later");
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(1_900);
    // The visibility of 1 ms became a second.
    expect(await queue.receive({ max: 1, waitMs: 0, visibilityMs: 1_000 })).toEqual([]);
  });

  it("takes a message of exactly 1 MiB, and refuses a larger or an empty one", async () => {
    const { url } = await createQueue(client);
    const queue = new SqsQueue({ client, queueUrl: url });
    await queue.send("é".repeat(524_288));
    const [message] = await queue.receive({ max: 1, waitMs: 2_000, visibilityMs: 30_000 });
    expect(message?.body.length).toBe(524_288);
    await expect(queue.send("x".repeat(1_048_577))).rejects.toMatchObject({
      code: "option.invalid",
      message: "Expected the message's bytes to be 1 ... 1048576, found 1048577. Nothing was sent or received.",
    });
    await expect(queue.send("")).rejects.toMatchObject({ code: "option.invalid" });
  });

  it("refuses what SQS could not do", async () => {
    const { url } = await createQueue(client);
    const queue = new SqsQueue({ client, queueUrl: url });
    const receive = { max: 1, waitMs: 0, visibilityMs: 1_000 };
    const calls: readonly (() => Promise<unknown>)[] = [
      () => queue.send("late", { delayMs: 900_001 }),
      () => queue.send("early", { delayMs: -1 }),
      () => queue.send("never", { delayMs: Number.NaN }),
      () => queue.send("a\u0001b"),
      () => queue.receive({ ...receive, max: 11 }),
      () => queue.receive({ ...receive, waitMs: 20_001 }),
      () => queue.receive({ ...receive, visibilityMs: 43_200_001 }),
      () => queue.extend("any", 43_200_001),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: "option.invalid" });
    expect(await queue.receive(receive)).toEqual([]);
  });

  it("says which queue is not there", async () => {
    const { url } = await createQueue(client);
    const queue = new SqsQueue({ client, queueUrl: `${url}-gone` });
    await expect(queue.send("lost")).rejects.toMatchObject({
      code: "store.unavailable",
      message: expect.stringMatching(/^Expected the queue http:.*-gone, found none of that name/),
    });
  });

  it("names the permission that is missing", async () => {
    const { url } = await createQueue(client);
    const iam = new IAMClient({ endpoint: ministack.endpoint });
    await iam.send(new CreateUserCommand({ UserName: "nobody" }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: "nobody" }));
    iam.destroy();
    vi.stubEnv("AWS_ACCESS_KEY_ID", AccessKey?.AccessKeyId ?? "");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", AccessKey?.SecretAccessKey ?? "");
    const powerless = sqsClient({ endpoint: ministack.endpoint });
    const queue = new SqsQueue({ client: powerless, queueUrl: url });
    const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
      ["SendMessage", () => queue.send("no")],
      ["ReceiveMessage", () => queue.receive({ max: 1, waitMs: 0, visibilityMs: 1_000 })],
      ["DeleteMessage", () => queue.delete("any")],
      ["ChangeMessageVisibility", () => queue.extend("any", 0)],
    ];
    for (const [permission, call] of calls) {
      await expect(call()).rejects.toMatchObject({
        code: "store.forbidden",
        message: expect.stringMatching(new RegExp(`^Expected to be allowed sqs:${permission} on the queue http`)),
      });
    }
    powerless.destroy();
    stubAwsVariables();
  });

  it("says that nobody answers", async () => {
    const deaf = sqsClient({ endpoint: "http://127.0.0.1:1", retries: { attempts: 2 } });
    const queue = new SqsQueue({ client: deaf, queueUrl: "http://127.0.0.1:1/000000000000/none" });
    await expect(queue.send("lost")).rejects.toMatchObject({
      code: "store.unavailable",
      message: expect.stringContaining("ECONNREFUSED"),
    });
    deaf.destroy();
  });
});
