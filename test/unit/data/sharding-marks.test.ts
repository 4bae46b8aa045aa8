import { keys, parseJobId, type ObjectStore } from "@stampede/core";
import { memorySource } from "@stampede/data";
import { MemoryObjectStore } from "@stampede/testing";
import { expect, test } from "vitest";
import { shard } from "./support.js";

const x = Array.from({ length: 20 }, (_, row) => [row]);
const request = { dataset: memorySource({ x, y: x }), order: "shuffled", validationSplit: 0.5 } as const;

test("a data set is marked for the job that is about to use it before anybody looks whether it is there", async () => {
  const store = new MemoryObjectStore();
  const { train, validation } = await shard(request, { store });
  const found: (readonly string[])[] = [];
  const watched: ObjectStore = {
    get: async (key) => {
      found.push(await marksIn(store));
      return store.get(key);
    },
    head: (key) => store.head(key),
    create: (key, body) => store.create(key, body),
    replace: (key, body, etag) => store.replace(key, body, etag),
    list: (prefix) => store.list(prefix),
    delete: (key) => store.delete(key),
  };
  for (const job of [parseJobId("a"), parseJobId("b"), parseJobId("b")]) {
    expect((await shard(request, { store: watched, job })).train.reused).toBe(true);
  }
  const ids = [train.id, validation?.id ?? train.id];
  const marksOf = (...jobs: readonly string[]): readonly string[] =>
    ids.flatMap((id) => jobs.map((job) => keys.use(id, parseJobId(job)))).toSorted();
  // Two manifests are read each time.
  expect(found).toEqual([marksOf("a"), marksOf("a"), ...Array.from({ length: 4 }, () => marksOf("a", "b"))]);
});

test("nothing is marked where no job is to use it", async () => {
  const store = new MemoryObjectStore();
  await shard(request, { store });
  expect(await marksIn(store)).toEqual([]);
});

async function marksIn(store: ObjectStore): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(keys.datasets)) if (key.includes("/uses/")) found.push(key);
  return found;
}
