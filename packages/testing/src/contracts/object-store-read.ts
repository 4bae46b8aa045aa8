import { expect, it } from "vitest";
import { etagOf, key, pattern, put, textAt, type ObjectStoreHarness } from "./object-store-support.js";

export function readContract(harness: () => ObjectStoreHarness): void {
  it("answers undefined for what was never stored", async () => {
    const { store } = harness();
    await put(store, "jobs/a/spec.json", "{}");
    for (const absent of [key, "jobs/a", "jobs", "jobs/a/spec", "jobs/a/spec.json2", "jobs/b/spec.json"]) {
      expect(await store.get(absent), absent).toBeUndefined();
      expect(await store.get(absent, { start: 0, end: 1 }), absent).toBeUndefined();
      expect(await store.head(absent), absent).toBeUndefined();
    }
  });

  it("shows another client what was acknowledged", async () => {
    const { store, another } = harness();
    const other = await another();
    expect(await other.get(key)).toBeUndefined();
    const first = await put(store, key, "one");
    expect(await textAt(other, key)).toBe("one");
    expect((await other.head(key))?.etag).toBe(first);
    const second = etagOf(await store.replace(key, pattern(5), first));
    expect(await other.head(key)).toEqual({ bytes: 5, etag: second });
    await store.delete(key);
    expect(await other.head(key)).toBeUndefined();
  });

  it("gives each caller a body of its own", async () => {
    const { store } = harness();
    await put(store, key, "one");
    (await store.get(key))?.body.fill(0);
    (await store.get(key, { start: 0, end: 2 }))?.body.fill(0);
    expect(await textAt(store, key)).toBe("one");
  });

  it("reads a body of several megabytes whole", async () => {
    const { store } = harness();
    const body = pattern(3_000_001);
    const etag = etagOf(await store.create(key, body));
    const found = await store.get(key);
    expect(Buffer.compare(found?.body ?? new Uint8Array(), body)).toBe(0);
    expect(found?.etag).toBe(etag);
    const middle = await store.get(key, { start: 1_000_000, end: 2_500_000 });
    expect(Buffer.compare(middle?.body ?? new Uint8Array(), body.subarray(1_000_000, 2_500_000))).toBe(0);
  });

  it.each([
    { start: 0, end: 4, found: "0123" },
    { start: 3, end: 7, found: "3456" },
    { start: 9, end: 10, found: "9" },
    { start: 8, end: 100, found: "89" },
    { start: 0, end: 10, found: "0123456789" },
    { start: 4, end: 4, found: "" },
    { start: 10, end: 20, found: "" },
    { start: 50, end: 60, found: "" },
  ])("reads bytes $start ... $end - 1 of ten", async ({ start, end, found }) => {
    const { store } = harness();
    const etag = await put(store, key, "0123456789");
    const part = await store.get(key, { start, end });
    expect(new TextDecoder().decode(part?.body)).toBe(found);
    expect(part?.etag).toBe(etag);
  });
}
