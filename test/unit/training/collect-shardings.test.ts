import { encodeRecord, JobRequest, keys, parseJobId, ShardingId, type ObjectStore } from "@stampede/core";
import { commitResult } from "@stampede/training";
import { describe, expect, it } from "vitest";
import { Attic, dayMs, dyingStore } from "../../support/garbage.js";
import { wantedJob } from "../../support/requested-jobs.js";

const job = parseJobId("a-job");
const sharding = ShardingId.parse("5a".repeat(32));
const nothing = new Uint8Array();
const step = { kind: "rows", index: 0 } as const;

/** What a sharding has left that was under way. */
const objects = [
  keys.shardRequest(sharding),
  keys.shardWaiting(sharding, job, 0),
  keys.shardStart(sharding, step, 1),
  keys.shardFailure(sharding, step, 1),
  keys.shardFact(sharding, step),
  keys.shardFact(sharding, { kind: "rows", index: 1 }),
  keys.shardSpool(sharding, 0),
];

async function leaveSharding(attic: Attic): Promise<void> {
  for (const key of objects) await attic.store.create(key, nothing);
}

async function request(store: ObjectStore): Promise<void> {
  const { model, ...wanted } = wantedJob("s3://data/points.csv");
  const stamp = { version: 1, job, token: "0".repeat(16), createdAt: 0 } as const;
  const body = JobRequest.parse({ ...wanted, ...stamp, model: { json: model } });
  await store.create(keys.request(job), encodeRecord(JobRequest, body));
}

async function fail(store: ObjectStore): Promise<void> {
  const error = { code: "data.empty", message: "no rows", retryable: false } as const;
  const result = { version: 1, job, token: "1".repeat(16), status: "failed", round: 0, metrics: {}, error } as const;
  await commitResult(store, { ...result, endedAt: 9 * dayMs });
}

describe("a sharding", () => {
  it("goes when all of it is old, with what a finished one keeps", async () => {
    const attic = new Attic();
    await leaveSharding(attic);
    await attic.store.create(keys.shardOutcome(sharding), nothing);
    attic.now += dayMs - 1;
    expect((await attic.collect()).removed).toEqual({});
    attic.now += 1;
    expect((await attic.collect({ dryRun: true })).removed).toEqual({ shardings: { objects: 8, bytes: 0 } });
    expect(await attic.keys()).toHaveLength(8);
    expect((await attic.collect()).removed).toEqual({ shardings: { objects: 8, bytes: 0 } });
    expect(await attic.keys()).toEqual([]);
  });

  it("stays while a job waits for it that is still being prepared, whatever the age", async () => {
    const attic = new Attic();
    await leaveSharding(attic);
    await request(attic.store);
    attic.now += 5 * dayMs;
    expect((await attic.collect({ minAgeMs: 0 })).removed).toEqual({});
    await fail(attic.store);
    expect((await attic.collect()).removed).toEqual({ shardings: { objects: 7, bytes: 0 } });
    expect(await attic.keys(keys.shardings)).toEqual([]);
  });

  it("stays when somebody asks for it between two looks", async () => {
    const attic = new Attic();
    await leaveSharding(attic);
    attic.now += 2 * dayMs;
    let looks = 0;
    const store = {
      ...dyingStore(attic.store, Infinity),
      async *list(prefix: string) {
        yield* attic.store.list(prefix);
        const isFirst = prefix === keys.shardings && looks++ === 0;
        if (isFirst) await attic.store.create(keys.shardWaiting(sharding, parseJobId("b-job"), 1), nothing);
      },
    };
    expect((await attic.collect({}, store)).removed).toEqual({});
    expect(await attic.keys()).toHaveLength(8);
  });

  it("whose removal is cut short leaves no fact of rows that are gone, and the next run does the rest", async () => {
    for (let calls = 0; calls <= objects.length; calls += 1) {
      const attic = new Attic();
      await leaveSharding(attic);
      attic.now += 2 * dayMs;
      await attic.collect({}, dyingStore(attic.store, calls)).catch(() => undefined);
      const left = await attic.keys();
      const hasFacts = left.some((key) => key.includes("/steps/"));
      if (hasFacts) expect(left).toContain(keys.shardSpool(sharding, 0));
      await attic.collect();
      expect(await attic.keys()).toEqual([]);
    }
  });

  it("that is none is left alone, and said", async () => {
    const attic = new Attic();
    await attic.store.create("shardings/what/is-this", nothing);
    attic.now += 2 * dayMs;
    const { removed, skipped } = await attic.collect();
    expect([removed, skipped]).toEqual([{}, [{ key: "shardings/what", reason: "it is not named as a sharding" }]]);
  });
});
