import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { keys, tensorOf, type ObjectStore } from "@stampede/core";
import { loadManifest, loadPartition, type ShardedSet } from "@stampede/data";
import { MemoryObjectStore } from "@stampede/testing";
import { errorOf, fixtures, folderWith, numbered, shard } from "./support.js";

describe("loading", () => {
  async function sharded(): Promise<{
    store: MemoryObjectStore;
    set: ShardedSet;
  }> {
    const store = new MemoryObjectStore();
    const { train } = await shard({ dataset: numbered(10), partitions: 2 }, { store });
    return { store, set: train };
  }

  test("the manifest by id", async () => {
    const { store, set } = await sharded();
    expect(await loadManifest(store, set.id)).toEqual(set.manifest);
    expect(await errorOf(loadManifest(new MemoryObjectStore(), set.id))).toMatchObject({
      code: "store.missing",
      details: { key: keys.manifest(set.id) },
    });
  });

  test("a manifest of another data set is corrupt", async () => {
    const { store, set } = await sharded();
    const other = (await shard({ dataset: numbered(11) })).train.id;
    await store.create(keys.manifest(other), (await store.get(keys.manifest(set.id)))?.body ?? new Uint8Array(0));
    expect(await errorOf(loadManifest(store, other))).toMatchObject({
      code: "store.corrupt",
      details: { key: keys.manifest(other) },
    });
  });

  test("tensors are views of the object, also from an unaligned buffer", async () => {
    const { store, set } = await sharded();
    const key = keys.part(set.id, 0);
    const found = await store.get(key);
    const body = found?.body ?? new Uint8Array(0);
    const giving = (bytes: Uint8Array): ObjectStore =>
      Object.assign(Object.create(store) as ObjectStore, { get: () => Promise.resolve({ body: bytes, etag: "" }) });
    const data = await loadPartition(giving(body), set.manifest, 0);
    for (const { tensor } of data.fields) expect(tensor.data.buffer).toBe(body.buffer);
    const shifted = new Uint8Array(body.length + 3).subarray(3);
    shifted.set(body);
    expect(await loadPartition(giving(shifted), set.manifest, 0)).toEqual(data);
  });

  test("a partition that is gone, cut, changed or foreign is refused with its key", async () => {
    const { store, set } = await sharded();
    const key = keys.part(set.id, 1);
    const body = (await store.get(key))?.body ?? new Uint8Array(0);
    await store.delete(key);
    expect(await errorOf(loadPartition(store, set.manifest, 1))).toMatchObject({
      code: "store.missing",
      details: { key },
    });
    const flipped = body.slice();
    flipped[400] = (flipped[400] ?? 0) ^ 1;
    for (const bytes of [body.subarray(0, -1), flipped, Buffer.alloc(body.length)]) {
      await store.create(key, bytes);
      expect(await errorOf(loadPartition(store, set.manifest, 1))).toMatchObject({
        code: "store.corrupt",
        details: { key },
      });
      await store.delete(key);
    }
  });

  test("a file of several record batches, written by pyarrow", async () => {
    const body = await readFile(join(fixtures, "two-batches.arrow"));
    const csv = "a,b,y\n1,2,0\n";
    const { train } = await shard({
      dataset: { format: "csv", file: "data.csv", labels: { column: "y", classes: 5 } },
      baseFolder: await folderWith({ "data.csv": csv }),
    });
    const sha256 = createHash("sha256").update(body).digest("hex");
    const manifest = { ...train.manifest, rows: 5, parts: [{ rows: 5, bytes: body.length, sha256 }] };
    const store = new MemoryObjectStore();
    await store.create(keys.part(manifest.dataset, 0), body);
    const { fields } = await loadPartition(store, manifest, 0);
    expect(fields.map(({ tensor }) => tensor)).toEqual([
      tensorOf(Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), [5, 2]),
      tensorOf(Uint8Array.of(0, 1, 2, 3, 4), [5]),
    ]);
  });

  test("a partition file whose columns are not the manifest's is corrupt", async () => {
    const { store, set } = await sharded();
    const [first, second] = set.manifest.fields;
    if (first === undefined || second === undefined) throw new Error("two fields expected");
    for (const fields of [
      [{ ...first, name: "x" }, second],
      [first],
      [{ ...first, storage: "float32" as const }, second],
      [{ ...first, storedShape: [] }, second],
      [{ ...first, storage: "int16" as const, storedShape: [2] }, second],
    ]) {
      expect(await errorOf(loadPartition(store, { ...set.manifest, fields }, 0))).toMatchObject({
        code: "store.corrupt",
      });
    }
  });
});
