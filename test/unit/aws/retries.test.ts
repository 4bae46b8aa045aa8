import { GetObjectCommand } from "@aws-sdk/client-s3";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { s3Client, sqsClient } from "@stampede/aws";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { refusal, startScriptedS3, type ScriptedS3 } from "./s3-server.js";

const soon = { firstDelayMs: 1, throttledDelayMs: 1, longestDelayMs: 5 } as const;
const there = { status: 200, headers: { "content-length": "5" }, body: "hello" } as const;

let server: ScriptedS3 | undefined;
beforeEach(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server?.close();
  server = undefined;
});

describe("a service that fails", () => {
  it("exhausts no budget: of 150 requests that are refused twice each one succeeds in the end", async () => {
    const seen = new Map<string, number>();
    server = await startScriptedS3(({ url }) => {
      const times = (seen.get(url) ?? 0) + 1;
      seen.set(url, times);
      return times < 3 ? refusal(503, times === 1 ? "SlowDown" : "ServiceUnavailable") : there;
    });
    const client = s3Client({ endpoint: server.endpoint, retries: soon });
    const get = async (index: number): Promise<string | undefined> => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: "jobs", Key: `a${index}` }));
      return Body?.transformToString();
    };
    const bodies = await Promise.all(Array.from({ length: 150 }, (_, index) => get(index)));
    client.destroy();
    expect(new Set(bodies)).toEqual(new Set(["hello"]));
    expect(server.asked).toHaveLength(3 * 150);
  });

  it("is given up after its attempts, of which each says how many there will be", async () => {
    server = await startScriptedS3(() => refusal(503, "SlowDown"));
    const client = s3Client({ endpoint: server.endpoint, retries: soon });
    await expect(client.send(new GetObjectCommand({ Bucket: "jobs", Key: "a" }))).rejects.toMatchObject({
      name: "SlowDown",
      $metadata: { attempts: 8 },
    });
    client.destroy();
    const told = server.asked.map(({ headers }) => headers["amz-sdk-request"]);
    expect(told).toEqual(Array.from({ length: 8 }, (_, index) => `attempt=${index + 1}; max=8`));
  });

  it("is not asked again once too much time has passed", async () => {
    server = await startScriptedS3(() => refusal(503, "SlowDown"));
    const client = s3Client({ endpoint: server.endpoint, retries: { ...soon, patienceMs: -1 } });
    await expect(client.send(new GetObjectCommand({ Bucket: "jobs", Key: "a" }))).rejects.toMatchObject({
      name: "SlowDown",
      $metadata: { attempts: 1 },
    });
    client.destroy();
    expect(server.asked).toHaveLength(1);
  });

  it("is not asked again what it will refuse again", async () => {
    server = await startScriptedS3(() => refusal(403, "AccessDenied"));
    const client = s3Client({ endpoint: server.endpoint });
    await expect(client.send(new GetObjectCommand({ Bucket: "jobs", Key: "a" }))).rejects.toThrow("it is so");
    client.destroy();
    expect(server.asked).toHaveLength(1);
  });
});

type Strategy = Extract<Awaited<ReturnType<SQSClient["config"]["retryStrategy"]>>, { recordSuccess: unknown }>;

async function retryStrategyOf(client: SQSClient): Promise<Strategy> {
  const strategy = await client.config.retryStrategy();
  if (!("recordSuccess" in strategy)) throw new Error("expected a strategy of the second version of the port");
  return strategy;
}

describe("what is waited between two tries", () => {
  beforeEach(() => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    return () => vi.restoreAllMocks();
  });

  /** The delays before each further try of a request that fails for ever in this way. */
  async function delays(errorType: "TRANSIENT" | "THROTTLING", retryAfterHint?: Date): Promise<readonly number[]> {
    const strategy = await retryStrategyOf(sqsClient({ endpoint: "http://127.0.0.1:1" }));
    const waited: number[] = [];
    let token = await strategy.acquireInitialRetryToken("");
    try {
      for (;;) {
        const info = { errorType, ...(retryAfterHint !== undefined && { retryAfterHint }) };
        token = await strategy.refreshRetryTokenForRetry(token, info);
        waited.push(token.getRetryDelay());
      }
    } catch {
      return waited;
    }
  }

  it("grows, up to some seconds", async () => {
    expect(await delays("TRANSIENT")).toEqual([100, 200, 400, 800, 1_600]);
    expect(await delays("THROTTLING")).toEqual([250, 500, 1_000, 2_000, 4_000]);
  });

  it("is what the service asks for, but for very long", async () => {
    const inAnHour = new Date(Date.now() + 3_600_000);
    expect(await delays("THROTTLING", inAnHour)).toEqual([4_000, 4_000, 4_000, 4_000, 4_000]);
  });
});
