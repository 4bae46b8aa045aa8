import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { keys, StampedeError, type ObjectStore } from "@stampede/core";
import { type ShardRequest } from "@stampede/data";
import { MemoryObjectStore } from "@stampede/testing";
import { complaint, errorOf, folderWith, leftIn, loadAll, newFolder, numbered, shard } from "./support.js";

async function partsOf(
  store: ObjectStore,
  set: Parameters<typeof loadAll>[1],
): Promise<readonly (readonly number[])[]> {
  const parts = await loadAll(store, set);
  for (const { fields, rows } of parts) {
    expect(fields[0]?.tensor.data).toEqual(fields[1]?.tensor.data);
    expect(fields[0]?.tensor.shape).toEqual([rows, 1]);
    expect(fields[1]?.tensor.shape).toEqual([rows]);
  }
  return parts.map(({ fields }) => [...(fields[0]?.tensor.data ?? [])]);
}

async function stored(store: ObjectStore): Promise<Readonly<Record<string, string>>> {
  const hashes: Record<string, string> = {};
  for await (const { key } of store.list("")) {
    const body = (await store.get(key))?.body ?? new Uint8Array(0);
    hashes[key] = createHash("sha256").update(body).digest("hex");
  }
  return hashes;
}

describe("partitions in shuffled order", () => {
  test("hold every row once, differ by at most one, and are not in order", async () => {
    const store = new MemoryObjectStore();
    const { train } = await shard({ dataset: numbered(1000), order: "shuffled", partitions: 3 }, { store });
    const parts = await partsOf(store, train);
    expect(parts.map((part) => part.length)).toEqual([334, 333, 333]);
    expect(parts.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, row) => row));
    expect(parts[0]).not.toEqual(parts[0]?.toSorted((a, b) => a - b));
    expect(train.manifest.parts.every(({ firstRow }) => firstRow === undefined)).toBe(true);
  });

  test("deal several blocks evenly", async () => {
    const store = new MemoryObjectStore();
    const { train } = await shard({ dataset: numbered(200_001), order: "shuffled", partitions: 7 }, { store });
    const parts = await partsOf(store, train);
    expect(parts.map((part) => part.length)).toEqual([28572, 28572, 28572, 28572, 28571, 28571, 28571]);
    expect(new Set(parts.flat()).size).toBe(200_001);
    // Rows sorted by class must not end up in one partition: every partition has its share of the first block.
    for (const part of parts) expect(part.filter((row) => row < 65_536).length).toBeGreaterThan(9_361);
  });

  test("follow from the seed", async () => {
    const store = new MemoryObjectStore();
    const request = { dataset: numbered(100), order: "shuffled", partitions: 2, seed: 5 } as const;
    const first = await shard(request, { store });
    const again = await shard(request);
    const other = await shard({ ...request, seed: 6 }, { store });
    expect(again.train.manifest).toEqual(first.train.manifest);
    expect(other.train.id).not.toBe(first.train.id);
    expect(await partsOf(store, other.train)).not.toEqual(await partsOf(store, first.train));
  });

  test("one, tiny and empty partitions", async () => {
    const store = new MemoryObjectStore();
    const one = await shard({ dataset: numbered(5), order: "shuffled" }, { store });
    expect((await partsOf(store, one.train))[0]?.toSorted()).toEqual([0, 1, 2, 3, 4]);
    const few = { dataset: numbered(2), order: "shuffled", partitions: 4 } as const;
    expect(await complaint(shard(few))).toContain(
      "data.too-few-rows: the data in memory: expected at least 4 rows, one for each executor, found 2.",
    );
    const sparse = await shard({ ...few, emptyPartitions: "allow" }, { store });
    expect((await partsOf(store, sparse.train)).map((part) => part.length)).toEqual([1, 1, 0, 0]);
    expect(await complaint(shard(few, { store }))).toContain("data.too-few-rows");
  });
});

describe("a validation split", () => {
  test("holds out a share of the whole, in as many partitions", async () => {
    const store = new MemoryObjectStore();
    const request = { dataset: numbered(150_000), order: "shuffled", partitions: 4, validationSplit: 0.1 } as const;
    const { train, validation } = await shard(request, { store });
    if (validation === undefined) throw new Error("no validation set");
    const held = await partsOf(store, validation);
    const trained = await partsOf(store, train);
    expect(held.map((part) => part.length)).toEqual([3750, 3750, 3750, 3750]);
    expect(trained.map((part) => part.length)).toEqual([33_750, 33_750, 33_750, 33_750]);
    expect(new Set([...held.flat(), ...trained.flat()]).size).toBe(150_000);
    expect(held.flat().filter((row) => row < 65_536).length).toBe(6554);
    const again = await shard(request, { store });
    expect([again.train.reused, again.validation?.reused]).toEqual([true, true]);
    expect(again.validation?.manifest).toEqual(validation.manifest);
  });

  test.each([
    [
      { validationSplit: 0.01 },
      "data.empty: the data in memory: expected at least one row of validation data, found none. The fraction 0.01 is held out of 3 rows.",
    ],
    [{ validationSplit: 0.9 }, "data.empty: the data in memory: expected at least one row, found none."],
    [{ validationSplit: 1 }, "option.invalid: Expected a validationSplit between 0 and 1, found 1."],
    [
      { validationSplit: 0.5, order: "kept" },
      "option.invalid: Expected no validationSplit where the order of rows is kept",
    ],
    [{ partitions: 0 }, "option.invalid: Expected 1 ... 10000 partitions, found 0."],
  ] as const)("refuses %j", async (wish, message) => {
    expect(await complaint(shard({ dataset: numbered(3), order: "shuffled", ...wish }))).toContain(message);
  });
});

describe("partitions in the order of the source", () => {
  test("are runs of rows whose first row is known", async () => {
    const store = new MemoryObjectStore();
    const { train } = await shard({ dataset: numbered(100_001), partitions: 4 }, { store });
    expect(train.manifest.parts.map(({ rows, firstRow }) => [firstRow, rows])).toEqual([
      [0, 25_001],
      [25_001, 25_000],
      [50_001, 25_000],
      [75_001, 25_000],
    ]);
    expect((await partsOf(store, train)).flat()).toEqual(Array.from({ length: 100_001 }, (_, row) => row));
  });

  test("do not depend on the seed", async () => {
    const first = await shard({ dataset: numbered(10), seed: 1 });
    const other = await shard({ dataset: numbered(10), seed: 2 });
    expect(other.train.id).toBe(first.train.id);
  });
});

describe("content addresses", () => {
  const csv = "a,b,y\n1,2,0\n3,4,1\n";
  const spec = { format: "csv", file: "data.csv", labels: { column: "y", oneHot: 2 } } as const;

  test("follow from bytes and settings, not from paths", async () => {
    const [one, two] = [await folderWith({ "data.csv": csv }), await folderWith({ "moved.csv": csv })];
    const first = await shard({ dataset: spec, baseFolder: one });
    const moved = await shard({ dataset: { ...spec, file: join(two, "moved.csv") }, baseFolder: one });
    expect(moved.train.id).toBe(first.train.id);
    expect(moved.train.manifest).toEqual(first.train.manifest);
    const ids = [
      { dataset: { ...spec, labels: { column: "y", oneHot: 3 } } },
      { dataset: { ...spec, features: { column: "a" } } },
      { dataset: { ...spec, header: false, labels: { column: "2" }, features: { column: "0", categories: true } } },
      { dataset: spec, partitions: 2 },
      { dataset: spec, order: "shuffled" },
      { dataset: spec, preprocessing: first.train.manifest.fields },
      { dataset: spec, labels: "ignore" },
    ] satisfies Partial<ShardRequest>[];
    const found = new Set([first.train.id]);
    for (const wish of ids) found.add((await shard({ baseFolder: one, ...wish }).catch(() => first)).train.id);
    // Without a header the names become numbers that are no numbers: that one fails, all others differ.
    expect(found.size).toBe(ids.length);
    await appendFile(join(one, "data.csv"), "5,6,0\n");
    expect((await shard({ dataset: spec, baseFolder: one })).train.id).not.toBe(first.train.id);
  });

  test("a data set that is there is reused: nothing is read but the bytes, nothing is written", async () => {
    const store = new MemoryObjectStore();
    const baseFolder = await folderWith({ "data.csv": csv });
    const first = await shard({ dataset: spec, baseFolder, partitions: 2 }, { store });
    const before = await stored(store);
    const again = await shard({ dataset: spec, baseFolder, partitions: 2 }, { store });
    expect([first.train.reused, again.train.reused]).toEqual([false, true]);
    expect(again.train).toMatchObject({ id: first.train.id, manifest: first.train.manifest, bytes: first.train.bytes });
    expect(await stored(store)).toEqual(before);
  });
});

describe("interruptions and failures", () => {
  const request = { dataset: numbered(1000), order: "shuffled", partitions: 4 } as const;

  test("parts of an interrupted pass are taken over when they are the same", async () => {
    const whole = new MemoryObjectStore();
    const { train } = await shard(request, { store: whole });
    const partial = new MemoryObjectStore();
    for (const index of [0, 2]) {
      const key = keys.part(train.id, index);
      await partial.create(key, (await whole.get(key))?.body ?? new Uint8Array(0));
    }
    const resumed = await shard(request, { store: partial });
    expect(resumed.train.manifest).toEqual(train.manifest);
    expect(await stored(partial)).toEqual(await stored(whole));
  });

  test("other bytes in a part's place are an error that names the key", async () => {
    const { train } = await shard(request);
    const store = new MemoryObjectStore();
    const key = keys.part(train.id, 1);
    await store.create(key, new Uint8Array(8));
    const error = await errorOf(shard(request, { store }));
    expect(error).toMatchObject({ code: "store.corrupt", details: { key } });
    expect(await store.head(keys.manifest(train.id))).toBeUndefined();
  });

  test("two passes at once end in one data set", async () => {
    const store = new MemoryObjectStore();
    const [one, two] = await Promise.all([shard(request, { store }), shard(request, { store })]);
    expect(one.train.manifest).toEqual(two.train.manifest);
  });

  test("a store that fails leaves no manifest and no temporary file", async () => {
    const temporaryFolder = await newFolder();
    const store = new MemoryObjectStore();
    const failing: ObjectStore = Object.assign(Object.create(store) as ObjectStore, {
      get: store.get.bind(store),
      create: (key: string, body: Uint8Array | AsyncIterable<Uint8Array>) =>
        key.endsWith("part-00002.arrow")
          ? Promise.reject(new StampedeError("store.full", "The disk is full."))
          : store.create(key, body),
    });
    expect(await complaint(shard(request, { store: failing, temporaryFolder }))).toBe("store.full: The disk is full.");
    expect(Object.keys(await stored(store)).filter((key) => key.endsWith("manifest.json"))).toEqual([]);
    expect(await leftIn(temporaryFolder)).toEqual([]);
  });

  test("bad data leaves nothing at all", async () => {
    const temporaryFolder = await newFolder();
    const store = new MemoryObjectStore();
    const rows = Array.from({ length: 100_000 }, (_, row) => `${row},${row === 99_999 ? "x" : 1}\n`).join("");
    const baseFolder = await folderWith({ "data.csv": `a,b\n${rows}` });
    const dataset = { format: "csv", file: "data.csv" } as const;
    const failed = shard({ dataset, baseFolder, order: "shuffled", partitions: 2 }, { store, temporaryFolder });
    expect(await complaint(failed)).toContain('data.not-a-number: data.csv:100001, column "b"');
    expect(await stored(store)).toEqual({});
    expect(await leftIn(temporaryFolder)).toEqual([]);
  });

  test("shows no temporary file whenever a signal's listener could end the process", async () => {
    const temporaryFolder = await newFolder();
    const seen = new Set<string>();
    let running = true;
    const split = { dataset: numbered(1000), order: "shuffled", partitions: 2, validationSplit: 0.1 } as const;
    const sharded = shard(split, { temporaryFolder }).finally(() => (running = false));
    while (running) {
      for (const name of readdirSync(temporaryFolder)) seen.add(name);
      await setImmediate();
    }
    await sharded;
    expect([...seen]).toEqual([]);
  });

  test("an abort stops the pass", async () => {
    const store = new MemoryObjectStore();
    const temporaryFolder = await newFolder();
    const controller = new AbortController();
    controller.abort();
    expect(await complaint(shard(request, { store, temporaryFolder, signal: controller.signal }))).toContain(
      "job.interrupted: ",
    );
    const dataset = { format: "builtin", name: "digits" } as const;
    expect(await complaint(shard({ dataset }, { store, temporaryFolder, signal: controller.signal }))).toContain(
      "job.interrupted: ",
    );
    expect(await stored(store)).toEqual({});
    expect(await leftIn(temporaryFolder)).toEqual([]);
  });

  test("a file that changes between hashing and reading is refused", async () => {
    const baseFolder = await folderWith({ "data.csv": "a\n1\n2\n" });
    const store = new MemoryObjectStore();
    // The first thing the pass asks the store, after hashing, is whether the data set is there.
    const meddling: ObjectStore = Object.assign(Object.create(store) as ObjectStore, {
      create: store.create.bind(store),
      get: async (key: string) => {
        await writeFile(join(baseFolder, "data.csv"), "a\n1\n2\n3\n");
        return store.get(key);
      },
    });
    const dataset = { format: "csv", file: "data.csv" } as const;
    expect(await complaint(shard({ dataset, baseFolder }, { store: meddling }))).toContain(
      "another program changed it",
    );
    expect(await stored(store)).toEqual({});
  });

  test("a folder for temporary files that is not there is named", async () => {
    const temporaryFolder = join(await newFolder(), "none");
    expect(await complaint(shard(request, { temporaryFolder }))).toContain(
      `store.not-writable: Expected to write temporary files in ${temporaryFolder}`,
    );
  });

  test("an invalid data set is refused like a job file", async () => {
    // @ts-expect-error: also for callers without types
    expect(await complaint(shard({ dataset: { format: "csv", fil: "x" } }))).toContain("job-file.invalid: ");
  });
});
