import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { CreateFunctionCommand, InvokeCommand, LambdaClient, waitUntilFunctionActiveV2 } from "@aws-sdk/client-lambda";
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { strToU8, zipSync } from "fflate";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { clientOptions, failed, useProxiedCloud } from "./support/proxied-cloud.js";

const cloud = useProxiedCloud();

function policy(statement: object): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...statement }] });
}

describe("a queue", () => {
  let QueueUrl: string;

  beforeEach(async () => {
    const { QueueUrl: url = "" } = await cloud.truth.sqs.send(
      new CreateQueueCommand({ QueueName: cloud.fresh("queue") }),
    );
    QueueUrl = url;
  });

  const send = (MessageBody = "x") => cloud.clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  const receive = async (client = cloud.clients.sqs, WaitTimeSeconds = 0) => {
    const asked = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds, VisibilityTimeout: 30 };
    const { Messages = [] } = await client.send(new ReceiveMessageCommand(asked));
    return Messages;
  };
  const bodies = async (client = cloud.truth.sqs, wait = 0) => (await receive(client, wait)).map(({ Body }) => Body);

  it.each([
    ["throttled", 403],
    ["unavailable", 503],
    ["internal", 500],
  ] as const)("that refuses a message (%s) is asked again", async (error, status) => {
    cloud.script({ kind: "error-before", error }, "sqs.send");
    expect((await send()).$metadata.attempts).toBe(2);
    expect(cloud.statuses()).toEqual([
      [undefined, status],
      [200, 200],
    ]);
    expect(await bodies()).toEqual(["x"]);
  });

  it("names its error when it goes on refusing", async () => {
    cloud.script({ kind: "error-before", error: "throttled" }, "sqs.send", [1, 2, 3]);
    await expect(send()).rejects.toMatchObject({ name: "RequestThrottled", ...failed(403, 3) });
    cloud.script({ kind: "error-before", error: "internal" }, "sqs.send", [1, 2, 3]);
    await expect(send()).rejects.toMatchObject({ name: "InternalFailure", ...failed(500, 3) });
  });

  it.each([{ kind: "lost-reply" }, { kind: "error-after", error: "unavailable" }, { kind: "duplicated" }] as const)(
    "has a message twice: $kind",
    async (fault) => {
      cloud.script(fault, "sqs.send");
      await send();
      expect(await bodies()).toEqual(["x", "x"]);
    },
  );

  it("has a batch twice", async () => {
    cloud.script({ kind: "duplicated" }, "sqs.send-batch");
    const Entries = ["a", "b"].map((MessageBody) => ({ Id: MessageBody, MessageBody }));
    await cloud.clients.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    const found = await bodies();
    expect(["a", "b", undefined].map((body) => found.filter((one) => one === body).length)).toEqual([2, 2, 0]);
  });

  it("has a message later", async () => {
    cloud.script({ kind: "delayed", seconds: 1 }, "sqs.send");
    await send();
    expect(await bodies()).toEqual([]);
    expect(await bodies(cloud.truth.sqs, 5)).toEqual(["x"]);
  });

  it("delivers one message twice in a batch", async () => {
    await send("a");
    await send("b");
    cloud.script({ kind: "duplicated" }, "sqs.receive");
    const found = await receive();
    expect(found.map(({ Body }) => Body)).toEqual(["a", "b", "a"]);
    expect(found[0]?.MessageId).toBe(found[2]?.MessageId);
  });

  it("withholds a message", async () => {
    await send("a");
    await send("b");
    cloud.script({ kind: "delayed", seconds: 1 }, "sqs.receive");
    expect((await receive()).map(({ Body }) => Body)).toEqual(["b"]);
    const [later] = await receive(cloud.clients.sqs, 5);
    expect(later?.Body).toBe("a");
  });

  it.each([{ kind: "duplicated" }, { kind: "delayed", seconds: 1 }] as const)(
    "has nothing to do harm to when it is empty: $kind",
    async (fault) => {
      cloud.script(fault, "sqs.receive");
      expect(await receive()).toEqual([]);
      expect(cloud.proxy.counts()).toEqual({ requests: { "sqs.receive": 1 }, faults: {} });
    },
  );

  it("loses a batch on its way until it is visible again", async () => {
    await send();
    cloud.script({ kind: "lost-reply" }, "sqs.receive");
    // The SDK asks again, and finds nothing.
    expect(await receive()).toEqual([]);
    expect(cloud.statuses().slice(-2)).toEqual([
      [200, undefined],
      [200, 200],
    ]);
  });

  it("takes a deletion, or a change of visibility, that is told twice", async () => {
    await send();
    const [message] = await receive();
    const ReceiptHandle = message?.ReceiptHandle;
    cloud.script({ kind: "lost-reply" }, "sqs.change-visibility");
    const changed = await cloud.clients.sqs.send(
      new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 60 }),
    );
    expect(changed.$metadata.attempts).toBe(2);
    cloud.script({ kind: "lost-reply" }, "sqs.delete");
    // SQS takes a second deletion; MiniStack does not, so that an adapter must.
    const deleted = cloud.clients.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    await expect(deleted).rejects.toMatchObject({ name: "ReceiptHandleIsInvalid", ...failed(400, 2) });
  });

  it("is left when a long poll is given up", async () => {
    const giveUp = new AbortController();
    const asked = { QueueUrl, WaitTimeSeconds: 20 };
    const polling = cloud.clients.sqs.send(new ReceiveMessageCommand(asked), { abortSignal: giveUp.signal });
    await expect.poll(() => cloud.proxy.log().length).toBe(1);
    giveUp.abort();
    await expect(polling).rejects.toMatchObject({ name: "AbortError" });
    expect(cloud.statuses()).toEqual([[undefined, undefined]]);
  });
});

describe("a function", () => {
  const FunctionName = "traces";
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "stampede-traces-"));
    const direct = new LambdaClient(clientOptions(cloud.truth.endpoint));
    const iam = new IAMClient(clientOptions(cloud.truth.endpoint));
    const AssumeRolePolicyDocument = policy({
      Principal: { Service: "lambda.amazonaws.com" },
      Action: "sts:AssumeRole",
    });
    const role = await iam.send(new CreateRoleCommand({ RoleName: "traces", AssumeRolePolicyDocument }));
    iam.destroy();
    // A file for every invocation.
    const code = `exports.handler = async (event, context) => {
      require("node:fs").writeFileSync(require("node:path").join(process.env.TRACES, event.name + "-" + context.awsRequestId), "");
      return "done";
    };`;
    await direct.send(
      new CreateFunctionCommand({
        FunctionName,
        Runtime: "nodejs22.x",
        Handler: "index.handler",
        Role: role.Role?.Arn,
        Code: { ZipFile: zipSync({ "index.js": strToU8(code) }) },
        Environment: { Variables: { TRACES: folder } },
      }),
    );
    await waitUntilFunctionActiveV2({ client: direct, maxWaitTime: 20 }, { FunctionName });
    direct.destroy();
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const invoke = (name: string) =>
    cloud.clients.lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify({ name }) }));
  const tracesOf = async (name: string) => (await readdir(folder)).filter((file) => file.startsWith(`${name}-`));

  it.each([
    ["throttled", 429],
    ["unavailable", 503],
    ["internal", 500],
  ] as const)("that is refused (%s) is invoked again, and ran once", async (error, status) => {
    cloud.script({ kind: "error-before", error }, "lambda.invoke");
    expect((await invoke(error)).$metadata.attempts).toBe(2);
    expect(cloud.statuses()[0]).toEqual([undefined, status]);
    expect(await tracesOf(error)).toHaveLength(1);
  });

  it("names its error when it goes on being refused", async () => {
    cloud.script({ kind: "error-before", error: "throttled" }, "lambda.invoke", [1, 2, 3]);
    await expect(invoke("never")).rejects.toMatchObject({ name: "TooManyRequestsException", ...failed(429, 3) });
    cloud.script({ kind: "error-before", error: "internal" }, "lambda.invoke", [1, 2, 3]);
    await expect(invoke("never")).rejects.toMatchObject({ name: "ServiceException", ...failed(500, 3) });
    expect(await tracesOf("never")).toEqual([]);
  });

  it.each([{ kind: "lost-reply" }, { kind: "error-after", error: "internal" }, { kind: "duplicated" }] as const)(
    "runs twice: $kind",
    async (fault) => {
      cloud.script(fault, "lambda.invoke");
      const { Payload } = await invoke(fault.kind);
      expect(Payload?.transformToString()).toBe('"done"');
      expect(await tracesOf(fault.kind)).toHaveLength(2);
      expect(cloud.proxy.counts().faults).toEqual({ [fault.kind]: 1 });
    },
  );
});
