import { setTimeout as pause } from "node:timers/promises";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { CreateQueueCommand, GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { s3Client, S3ObjectStore, sqsClient, SqsQueue } from "@stampede/aws";
import { deriveKey } from "@stampede/core";
import {
  describeWireLog,
  objectStoreContract,
  queueContract,
  startFaultProxy,
  type FaultProxy,
  type WirePlan,
} from "@stampede/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from "vitest";
import { startMiniStack, type MiniStack } from "../../infra/emulated/ministack.js";
import { useTestCredentials } from "./support/credentials.js";
import { Clients } from "./support/proxied-cloud.js";

useTestCredentials();
let emulator: MiniStack;
/** Past every proxy. */
let direct: Clients;
const seen = new Set<string>();

beforeAll(async () => {
  emulator = await startMiniStack();
  direct = new Clients(emulator.endpoint);
});

afterAll(async () => {
  direct.destroy();
  await emulator.stop();
});

/** A proxy for one test, which prints how to repeat it when it fails. */
async function proxied(plan: WirePlan, seed: number): Promise<FaultProxy> {
  const proxy = await startFaultProxy({ upstream: emulator.endpoint, plan, seed });
  onTestFailed(() => void process.stderr.write(`seed ${seed}\n${describeWireLog(proxy.log())}\n`));
  return proxy;
}

async function closed(proxy: FaultProxy): Promise<void> {
  for (const kind of Object.keys(proxy.counts().faults)) seen.add(kind);
  await proxy.close();
}

/** The same in every run, so that the same requests are hit: chance hangs on the names of buckets and queues. */
function nameOfTest(): string {
  return `test-${deriveKey(expect.getState().currentTestName ?? "")}`;
}

/**
 * Lost replies to `replace` are looked at further down. No more faults than the SDK's budget of retries bears: of 500 tokens each retry takes
 * 14, which come back when it succeeds; that of a write that meets itself does not.
 */
const storePlan: WirePlan = {
  rules: [
    {
      fault: { kind: "lost-reply" },
      chance: 1 / 20,
      operations: ["s3.create", "s3.multipart-complete", "s3.get", "s3.head", "s3.list", "s3.delete"],
    },
    { fault: { kind: "conflict" }, chance: 1 / 20 },
    { fault: { kind: "error-before", error: "unavailable" }, chance: 1 / 20 },
  ],
  spareLastAttempts: true,
};

interface Stores {
  /** Each a client of its own, of one bucket. */
  readonly stores: readonly S3ObjectStore[];
  readonly close: () => Promise<void>;
}

async function storesOf(proxy: FaultProxy, count: number): Promise<Stores> {
  const bucket = nameOfTest();
  await direct.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const clients = Array.from({ length: count }, () => s3Client({ endpoint: proxy.endpoint }));
  return {
    stores: clients.map((client) => new S3ObjectStore({ client, bucket })),
    close: () => {
      for (const client of clients) client.destroy();
      return closed(proxy);
    },
  };
}

for (const seed of [1, 2, 3]) {
  objectStoreContract(
    `S3ObjectStore, with faults of seed ${seed}`,
    async () => {
      const { stores, close } = await storesOf(await proxied(storePlan, seed), 6);
      const unused = [...stores];
      const another = (): S3ObjectStore => {
        const store = unused.pop();
        if (store === undefined) throw new Error("Expected no more than 6 clients in one test.");
        return store;
      };
      return { store: another(), another: () => Promise.resolve(another()), close };
    },
    { etagsFollowBodies: true },
  );
}

describe("S3ObjectStore, replies to writes lost", () => {
  const key = "head.json";
  const plan: WirePlan = {
    rules: [{ fault: { kind: "lost-reply" }, chance: 1 / 5, operations: ["s3.replace", "s3.create"] }],
    spareLastAttempts: true,
  };
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  async function numberAt(store: S3ObjectStore): Promise<{ readonly value: number; readonly etag: string }> {
    const found = await store.get(key);
    if (found === undefined) throw new Error("Expected an object, found none.");
    return { value: Number(new TextDecoder().decode(found.body)), etag: found.etag };
  }

  async function increment(store: S3ObjectStore, times: number): Promise<void> {
    for (let done = 0; done < times;) {
      const { value, etag } = await numberAt(store);
      if ((await store.replace(key, bytes(`${value + 1}`), etag)) !== "conflict") done += 1;
    }
  }

  it.each([1, 2])("a single writer knows its own object again, seed %i", async (seed) => {
    const proxy = await proxied(plan, seed);
    const { stores, close } = await storesOf(proxy, 1);
    for (const store of stores) {
      expect(await store.create(key, bytes("0"))).not.toBe("conflict");
      await increment(store, 30);
      expect(await numberAt(store)).toMatchObject({ value: 30 });
    }
    expect(proxy.counts().requests["s3.get"]).toBe(31);
    expect(proxy.counts().faults["lost-reply"]).toBeGreaterThan(2);
    await close();
  });

  it.each([1, 2])("several writers lose nothing, and do twice at most what a lost reply hid, seed %i", async (seed) => {
    const proxy = await proxied(plan, seed);
    const { stores, close } = await storesOf(proxy, 4);
    const [store] = stores;
    if (store === undefined) throw new Error("Expected a store, found none.");
    await store.create(key, bytes("0"));
    await Promise.all(stores.map((each) => increment(each, 10)));
    const { value } = await numberAt(store);
    expect(value).toBeGreaterThanOrEqual(40);
    const hidden = proxy
      .log()
      .filter(({ fault, upstreamStatus }) => fault?.kind === "lost-reply" && upstreamStatus === 200);
    expect(value).toBeLessThanOrEqual(40 + hidden.length);
    await close();
  });
});

describe("S3ObjectStore, damaged replies to reads", () => {
  it.each([
    { kind: "truncated", at: 0.5 },
    { kind: "corrupted", at: 0.5 },
  ] as const)("a body that is $kind is not taken for the object", async (fault) => {
    const proxy = await proxied({ rules: [{ fault, chance: 1, operations: ["s3.get", "s3.get-range"] }] }, 1);
    const { stores, close } = await storesOf(proxy, 1);
    const body = new Uint8Array(100_000).fill(7);
    for (const store of stores) {
      await store.create("a", body);
      await expect(store.get("a")).rejects.toMatchObject({ code: "store.unavailable" });
      if (fault.kind === "truncated") {
        await expect(store.get("a", { start: 10, end: 20 })).rejects.toMatchObject({ code: "store.unavailable" });
      }
      proxy.setPlan({});
      expect((await store.get("a"))?.body).toEqual(body);
    }
    expect(proxy.counts().faults[fault.kind]).toBeGreaterThan(0);
    await close();
  });
});

/** What the SDK's own tries make good, and what can be done twice. A `send` whose reply is lost is a message more: nobody promises otherwise. */
const repeatable = ["sqs.delete", "sqs.change-visibility"] as const;
const queuePlan: WirePlan = {
  rules: [
    { fault: { kind: "error-before", error: "unavailable" }, chance: 1 / 20 },
    { fault: { kind: "reset-before" }, chance: 1 / 20 },
    { fault: { kind: "lost-reply" }, chance: 1 / 5, operations: repeatable },
    { fault: { kind: "error-after", error: "internal" }, chance: 1 / 5, operations: repeatable },
  ],
  spareLastAttempts: true,
};

queueContract("SqsQueue, with faults", async () => {
  const proxy = await proxied(queuePlan, 1);
  const name = nameOfTest();
  const dead = await createQueue(direct.sqs, `${name}-dead`);
  const maxReceives = 3;
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: maxReceives });
  const { url: queueUrl } = await createQueue(direct.sqs, name, { RedrivePolicy });
  const client = sqsClient({ endpoint: proxy.endpoint });
  const deadLetters = new SqsQueue({ client: direct.sqs, queueUrl: dead.url });
  return {
    queue: new SqsQueue({ client, queueUrl }),
    maxReceives,
    advance: (ms) => pause(ms),
    deadLetters: async () => {
      const messages = await deadLetters.receive({ max: 10, waitMs: 0, visibilityMs: 0 });
      return messages.map(({ body }) => body);
    },
    close: () => {
      client.destroy();
      return closed(proxy);
    },
  };
});

async function createQueue(
  client: SQSClient,
  QueueName: string,
  Attributes: Record<string, string> = {},
): Promise<{ readonly url: string; readonly arn: string }> {
  const { QueueUrl: url = "" } = await client.send(new CreateQueueCommand({ QueueName, Attributes }));
  const asked = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] });
  return { url, arn: (await client.send(asked)).Attributes?.QueueArn ?? "" };
}

it("every kind of fault of the plans was among them", () => {
  const planned = [storePlan, queuePlan].flatMap(({ rules = [] }) => rules.map(({ fault }) => fault.kind));
  expect([...seen]).toEqual(expect.arrayContaining(planned));
});
