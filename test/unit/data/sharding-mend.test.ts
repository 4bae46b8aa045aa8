import { keys, type DatasetId } from "@stampede/core";
import { loadPartition, memorySource } from "@stampede/data";
import { MemoryObjectStore } from "@stampede/testing";
import { describe, expect, it } from "vitest";
import { errorOf, loadAll, shard } from "./support.js";

const rows = Array.from({ length: 40 }, (_, row) => [row]);
const partitions = 40;
const split = { dataset: memorySource({ x: rows, y: rows }), order: "shuffled", validationSplit: 0.5 } as const;
const request = { dataset: split.dataset, order: "shuffled", partitions } as const;

async function bodyOf(store: MemoryObjectStore, key: string): Promise<Uint8Array> {
  return (await store.get(key))?.body ?? new Uint8Array();
}

async function put(store: MemoryObjectStore, key: string, body: Uint8Array): Promise<void> {
  await store.delete(key);
  await store.create(key, body);
}

async function contents(store: MemoryObjectStore): Promise<readonly (readonly [string, Uint8Array])[]> {
  const found: [string, Uint8Array][] = [];
  for await (const { key } of store.list("")) found.push([key, await bodyOf(store, key)]);
  return found;
}

describe("a data set that is not whole any more", () => {
  // More parts than are looked at in one go.
  it.each([0, 1, 35])("is written anew where part %i was removed", async (index) => {
    const store = new MemoryObjectStore();
    const { train } = await shard(request, { store });
    const before = await contents(store);
    const key = keys.part(train.id, index);
    await store.delete(key);
    const missing = await errorOf(loadPartition(store, train.manifest, index));
    expect(missing).toMatchObject({ code: "store.missing", details: { key } });
    expect(missing.message).toContain("A new job on the same data writes it anew.");
    const again = (await shard(request, { store })).train;
    expect(again).toMatchObject({ id: train.id, manifest: train.manifest, reused: false });
    expect(await contents(store)).toEqual(before);
    expect((await shard(request, { store })).train.reused).toBe(true);
  });

  it.each([
    ["was cut short", (body: Uint8Array) => body.slice(0, -1)],
    ["is empty", () => new Uint8Array()],
    ["is too long", (body: Uint8Array) => new Uint8Array([...body, 0])],
  ])("is mended where a part %s", async (_, change) => {
    const store = new MemoryObjectStore();
    const { train } = await shard(request, { store });
    const before = await contents(store);
    const key = keys.part(train.id, 3);
    await put(store, key, change(await bodyOf(store, key)));
    const [one, two] = await Promise.all([shard(request, { store }), shard(request, { store })]);
    expect([one.train.manifest, two.train.manifest]).toEqual([train.manifest, train.manifest]);
    expect(await contents(store)).toEqual(before);
    expect(await loadAll(store, train)).toHaveLength(partitions);
  });

  it("is mended where it is the part of rows that were held out", async () => {
    const store = new MemoryObjectStore();
    const { train, validation } = await shard(split, { store });
    const before = await contents(store);
    const id: DatasetId = validation?.id ?? train.id;
    await store.delete(keys.part(id, 0));
    expect((await shard(split, { store })).validation).toMatchObject({ id, reused: false });
    expect(await contents(store)).toEqual(before);
  });

  it("is mended in a damaged part of the right length, too, when another one is missing", async () => {
    const store = new MemoryObjectStore();
    const { train } = await shard(request, { store });
    const before = await contents(store);
    const key = keys.part(train.id, 3);
    await put(
      store,
      key,
      (await bodyOf(store, key)).map((byte) => byte ^ 1),
    );
    await store.delete(keys.part(train.id, 4));
    await shard(request, { store });
    expect(await contents(store)).toEqual(before);
  });

  it("keeps a part of the right length: whoever reads it finds the damage", async () => {
    const store = new MemoryObjectStore();
    const { train } = await shard(request, { store });
    const key = keys.part(train.id, 3);
    await put(
      store,
      key,
      (await bodyOf(store, key)).map((byte) => byte ^ 1),
    );
    expect((await shard(request, { store })).train.reused).toBe(true);
    expect(await errorOf(loadPartition(store, train.manifest, 3))).toMatchObject({ code: "store.corrupt" });
  });
});
