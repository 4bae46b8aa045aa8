import { groupsIn, keys, partitionsOf, type DeltaMessage } from "@stampede/core";
import { MemoryObjectStore } from "@stampede/testing";
import { exists, readResult } from "@stampede/training";
import { describe, expect, it } from "vitest";
import {
  bigDelta,
  commitAll,
  contentOf,
  ordersOf,
  question,
  ran,
  smallDelta,
  submitted,
  type Job,
} from "../../support/sliced-jobs.js";

const rowsOfTwo = Array.from({ length: 70 }, (_, index) => index % 7);
const patienceMs = 30_000;

describe("an order that is lost", () => {
  it("is given anew when the driver asks and nothing happened for a while, and only that one", async () => {
    const job = await submitted({ slices: 4 });
    const { servers } = job;
    await commitAll(job);
    await servers.deliver(Infinity, () => servers.invocations.length === 1);
    servers.lose();
    servers.send({ ...question(job), make: { kind: "slice", slice: 2 } });
    await servers.deliver();
    expect(servers.toDriver).toEqual([]);
    const before = servers.invocations.length;
    servers.send(question(job));
    await servers.deliver();
    // They are given some time.
    expect(ordersOf(job, before)).toEqual([]);
    servers.now += patienceMs;
    servers.send(question(job));
    await servers.deliver();
    expect(new Set(ordersOf(job, before))).toEqual(new Set([0, 1, 3].map((slice) => ({ kind: "slice", slice }))));
    expect(servers.toDriver).toMatchObject([{ type: "look", reason: "round" }]);
    expect(await contentOf(job)).toEqual(await contentOf(await ran({})));
  });

  it("of any kind, or the hints before it, is made up for by questions", async () => {
    const given = { rows: rowsOfTwo, initial: smallDelta(1).weights };
    const reference = await contentOf(await ran({ ...given, deltaOf: smallDelta }));
    // After so many invocations all messages that wait are lost.
    for (let lostAfter = 0; lostAfter < 24; lostAfter += 1) {
      const job = await submitted({ ...given, slices: 2, parts: 4, options: { environments: 2 } });
      const { servers } = job;
      await commitAll(job, 1, smallDelta);
      await servers.deliver(Infinity, () => servers.invocations.length >= lostAfter);
      servers.lose();
      for (let asked = 0; asked < 8 && servers.toDriver.length === 0; asked += 1) {
        servers.now += patienceMs;
        servers.send(question(job));
        await servers.deliver();
        // Every other one is lost again.
        if (asked % 2 === 1) servers.lose();
      }
      expect(servers.toDriver.length).toBeGreaterThan(0);
      expect(await contentOf(job)).toEqual(reference);
    }
  });

  it("leaves what was made: whoever asks goes on from there", async () => {
    const job = await submitted({ rows: rowsOfTwo, slices: 2, parts: 4 });
    const { servers, spec } = job;
    await commitAll(job);
    await servers.deliver(Infinity, () => ordersOf(job).length >= 6);
    servers.lose();
    const before = servers.invocations.length;
    const made = ordersOf(job).flatMap((node) =>
      node.kind === "sum" ? [keys.sum(spec.job, 1, node.part, node.group)] : [],
    );
    servers.now += patienceMs;
    servers.send(question(job));
    await servers.deliver();
    const anew = ordersOf(job, before).flatMap((node) =>
      node.kind === "sum" ? [keys.sum(spec.job, 1, node.part, node.group)] : [],
    );
    expect(anew.filter((key) => made.includes(key))).toEqual([]);
    expect(await contentOf(job)).toEqual(await contentOf(await ran({ rows: rowsOfTwo })));
  });
});

it("an order that is carried out twice does no harm, also at the same time", async () => {
  const job = await ran({ slices: 3, rows: rowsOfTwo, options: { environments: 3 } });
  const { servers } = job;
  const before = { ...servers.store.counts };
  for (const make of ordersOf(job)) servers.send({ ...question(job), make });
  await servers.deliver();
  expect(servers.store.counts.create).toBe(before.create);
});

it.each([
  { kind: "sum", group: 9, part: 0 },
  { kind: "sum", group: 0, part: 9 },
  { kind: "part", part: 0 },
  { kind: "slice", slice: 3 },
] as const)("an order for what no job of this kind has is passed over: %o", async (make) => {
  const job = await submitted({ slices: 3, rows: rowsOfTwo });
  job.servers.send({ ...question(job), make });
  await job.servers.deliver();
  expect(job.servers.store.counts.create).toBe(0);
  expect(await exists(job.servers.store, keys.result(job.spec.job))).toBe(false);
});

it("a group is summed up when its own deltas are there, whatever the others do", async () => {
  const job = await submitted({ slices: 2, rows: rowsOfTwo });
  const { servers, spec } = job;
  expect(groupsIn(spec.partitions)).toBe(2);
  for (const partition of partitionsOf(1, spec.partitions)) {
    servers.send(await servers.commit(spec, 1, partition, bigDelta(partition, 1)));
  }
  await servers.deliver();
  expect(ordersOf(job)).toEqual([0, 1].map((part) => ({ kind: "sum", group: 1, part })));
  expect(await exists(servers.store, keys.sum(spec.job, 1, 0, 1))).toBe(true);
  for (const partition of partitionsOf(0, spec.partitions)) {
    servers.send(await servers.commit(spec, 1, partition, bigDelta(partition, 1)));
  }
  await servers.deliver();
  expect(servers.toDriver).toHaveLength(1);
  expect(await contentOf(job)).toEqual(await contentOf(await ran({ rows: rowsOfTwo })));
});

describe("a damaged delta", () => {
  const stage = { kind: "train", round: 1 } as const;
  const flip = async ({ servers, spec }: Job, partition: number, at: (bytes: number) => number): Promise<void> => {
    const key = keys.output(spec.job, stage, partition);
    const found = await servers.store.inner.get(key);
    const body = Uint8Array.from(found?.body ?? []);
    const index = at(body.length);
    body[index] = (body[index] ?? 0) ^ 4;
    await servers.store.inner.replace(key, body, found?.etag ?? "");
  };

  // In the header; in a name of it, which only the seal covers; in the first, a middle and the last of the weights.
  it.each([
    ["its record", () => 300],
    ["its first number", (bytes: number) => bytes - 600_000],
    ["a number of another part", (bytes: number) => bytes - 320_000],
  ])("in %s is found before it is averaged, made anew, and the round ends in the same bits", async (_, at) => {
    const job = await submitted({ slices: 3 });
    const { servers, spec } = job;
    const hints: DeltaMessage[] = [];
    for (let partition = 0; partition < spec.partitions; partition += 1) {
      hints.push(await servers.commit(spec, 1, partition, bigDelta(partition, 1)));
    }
    await flip(job, 3, at);
    for (const hint of hints) servers.send(hint);
    // Sums that met it try again every 15 seconds.
    await servers.deliver(servers.now + 40_000);
    expect(servers.toDriver.map(({ type }) => type)).toContain("output-damaged");
    expect(servers.toDriver).toMatchObject(
      servers.toDriver.map(() => ({ type: "output-damaged", stage, partition: 3 })),
    );
    expect(await exists(servers.store, keys.weights(spec.job, 1))).toBe(false);
    // Another attempt has another record, of another length, and the same numbers.
    servers.send(await servers.commit(spec, 1, 3, { ...bigDelta(3, 1), computeMs: 123_456.789, attemptId: "another" }));
    await servers.deliver();
    expect(servers.toDriver.at(-1)).toMatchObject({ type: "look", reason: "round" });
    expect(await contentOf(job)).toEqual(await contentOf(await ran({})));
  });

  it("that is whole, and was damaged on its way, is read again after a while", async () => {
    const store = new MemoryObjectStore();
    const get = store.get.bind(store);
    let torn = 0;
    store.get = async (key, range) => {
      const read = await get(key, range);
      const isPart = key.endsWith("/00003.safetensors") && key.includes("/deltas/") && (range?.start ?? 0) > 0;
      if (read === undefined || !isPart || torn === 2) return read;
      torn += 1;
      return { ...read, body: read.body.map((byte, index) => (index === 9 ? byte ^ 1 : byte)) };
    };
    const job = await ran({ slices: 3, options: { store } });
    const { servers } = job;
    expect(servers.toDriver.map(({ type }) => type)).toEqual(["output-damaged", "look"]);
    expect(await contentOf(job)).toEqual(await contentOf(await ran({})));
  });

  it("that is made anew with other numbers ends the job, once parts of it may have been averaged", async () => {
    const job = await submitted({ slices: 3 });
    const { servers, spec } = job;
    await commitAll(job);
    await servers.deliver(Infinity, () => servers.invocations.length === 1);
    await servers.commit(spec, 1, 3, { ...bigDelta(4, 1), attemptId: "another" });
    await servers.deliver();
    expect(await readResult(servers.store, spec.job)).toMatchObject({
      status: "failed",
      error: { code: "store.corrupt" },
    });
    expect(await exists(servers.store, keys.weights(spec.job, 1))).toBe(false);
  });
});
