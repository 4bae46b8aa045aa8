import { expect, it } from "vitest";
import {
  bytes,
  etagOf,
  key,
  keysOf,
  pattern,
  put,
  racers,
  rounds,
  textAt,
  winners,
  type ObjectStoreHarness,
} from "./object-store-support.js";

export function createContract(harness: () => ObjectStoreHarness): void {
  it("stores an object and answers its etag", async () => {
    const { store } = harness();
    const etag = await put(store, key, "one");
    expect(await textAt(store, key)).toBe("one");
    expect(await store.head(key)).toEqual({ bytes: 3, etag });
  });

  it("answers conflict when the object exists, and leaves it as it is", async () => {
    const { store } = harness();
    const etag = await put(store, key, "one");
    expect(await store.create(key, bytes("two"))).toBe("conflict");
    expect(await store.create(key, chunks("two"))).toBe("conflict");
    expect(await textAt(store, key)).toBe("one");
    expect((await store.head(key))?.etag).toBe(etag);
  });

  it("lets exactly one of many concurrent creators win", async () => {
    const { store, another } = harness();
    const stores = [store, await another(), await another()];
    for (let round = 0; round < rounds; round += 1) {
      const contested = `races/${round}`;
      const outcomes = await Promise.all(
        Array.from({ length: racers }, (_, index) =>
          (stores[index % 3] ?? store).create(contested, bytes(`creator ${index}`)),
        ),
      );
      const [winner = -1, ...others] = winners(outcomes);
      expect(others).toEqual([]);
      expect(await textAt(store, contested)).toBe(`creator ${winner}`);
      expect((await store.head(contested))?.etag).toBe(etagOf(outcomes[winner] ?? "conflict"));
    }
  });

  it("keeps its own copy of the body", async () => {
    const { store } = harness();
    const body = bytes("one");
    await store.create(key, body);
    body.fill(0);
    expect(await textAt(store, key)).toBe("one");
  });

  it("stores an empty object", async () => {
    const { store } = harness();
    etagOf(await store.create(key, new Uint8Array()));
    expect((await store.get(key))?.body).toEqual(new Uint8Array());
    expect((await store.head(key))?.bytes).toBe(0);
  });

  streamContract(harness);
}

function streamContract(harness: () => ObjectStoreHarness): void {
  it("stores a stream chunk after chunk", async () => {
    const { store } = harness();
    const whole = pattern(300_000);
    const cut = [whole.subarray(0, 1), whole.subarray(1, 1), whole.subarray(1, 200_000), whole.subarray(200_000)];
    etagOf(await store.create(key, fromList(cut)));
    expect((await store.get(key))?.body).toEqual(whole);
  });

  it("stores an empty stream as an empty object", async () => {
    const { store } = harness();
    etagOf(await store.create(key, fromList([])));
    expect((await store.head(key))?.bytes).toBe(0);
  });

  it("leaves nothing behind when the stream fails, and passes its error on", async () => {
    const { store } = harness();
    const failure = new Error("the source broke");
    await expect(store.create(key, failing(failure))).rejects.toBe(failure);
    expect(await store.get(key)).toBeUndefined();
    expect(await keysOf(store, "")).toEqual([]);
    await put(store, key, "afterwards");
  });

  it("shows nothing of a stream before its end", async () => {
    const { store } = harness();
    let seen: readonly unknown[] = [];
    async function* looking(): AsyncGenerator<Uint8Array> {
      yield pattern(100_000);
      seen = [await store.head(key), await store.get(key), await keysOf(store, "")];
      yield pattern(10);
    }
    etagOf(await store.create(key, looking()));
    expect(seen).toEqual([undefined, undefined, []]);
  });

  it("answers conflict to a stream that was overtaken", async () => {
    const { store, another } = harness();
    const other = await another();
    async function* overtaken(): AsyncGenerator<Uint8Array> {
      yield bytes("slow");
      await put(other, key, "fast");
    }
    expect(await store.create(key, overtaken())).toBe("conflict");
    expect(await textAt(store, key)).toBe("fast");
  });
}

function chunks(text: string): AsyncGenerator<Uint8Array> {
  return fromList([bytes(text)]);
}

async function* fromList(list: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of list) yield await Promise.resolve(chunk);
}

async function* failing(failure: Error): AsyncGenerator<Uint8Array> {
  yield* fromList([pattern(100_000)]);
  throw failure;
}
