import type { ObjectStore } from "@stampede/core";
import { expect, it } from "vitest";
import {
  bytes,
  etagOf,
  key,
  put,
  racers,
  rounds,
  textAt,
  winners,
  type ObjectStoreHarness,
} from "./object-store-support.js";

export function replaceContract(harness: () => ObjectStoreHarness): void {
  it("moves an object on, again and again", async () => {
    const { store } = harness();
    let etag = await put(store, key, "0");
    const etags = new Set([etag]);
    for (let step = 1; step <= 12; step += 1) {
      etag = etagOf(await store.replace(key, bytes(`${step}`), etag));
      etags.add(etag);
      expect(await textAt(store, key)).toBe(`${step}`);
      expect(await store.head(key)).toEqual({ bytes: `${step}`.length, etag });
    }
    expect(etags.size).toBe(13);
    expect(await store.create(key, bytes("anew"))).toBe("conflict");
  });

  it("answers conflict when another object is in place, and changes nothing", async () => {
    const { store } = harness();
    const first = await put(store, key, "one");
    const second = etagOf(await store.replace(key, bytes("two"), first));
    expect(await store.replace(key, bytes("three"), first)).toBe("conflict");
    expect(await store.replace(key, bytes("three"), "no-etag")).toBe("conflict");
    expect(await store.replace(key, bytes("three"), "")).toBe("conflict");
    expect(await store.head(key)).toEqual({ bytes: 3, etag: second });
    expect(await textAt(store, key)).toBe("two");
  });

  it("answers conflict when nothing is in place, and makes nothing", async () => {
    const { store } = harness();
    expect(await store.replace(key, bytes("one"), "1")).toBe("conflict");
    const etag = await put(store, key, "one");
    await store.delete(key);
    expect(await store.replace(key, bytes("two"), etag)).toBe("conflict");
    expect(await store.get(key)).toBeUndefined();
  });

  raceContract(harness);
}

/** Of stores whose etags tell every write from every other, also of equal bodies. */
export function equalBodiesContract(harness: () => ObjectStoreHarness): void {
  it("does not take one body for another that is equal", async () => {
    const { store } = harness();
    const first = await put(store, key, "a");
    const second = etagOf(await store.replace(key, bytes("a"), first));
    expect(second).not.toBe(first);
    const third = etagOf(await store.replace(key, bytes("b"), second));
    etagOf(await store.replace(key, bytes("a"), third));
    expect(await store.replace(key, bytes("c"), first)).toBe("conflict");
    expect(await store.replace(key, bytes("c"), second)).toBe("conflict");
  });

  it("does not take an object for one that was deleted before", async () => {
    const { store } = harness();
    for (let round = 0; round < 20; round += 1) {
      const etag = await put(store, key, "same");
      const later = round % 2 === 0 ? etag : etagOf(await store.replace(key, bytes("same"), etag));
      await store.delete(key);
      await put(store, key, "same");
      expect(await store.replace(key, bytes("lost"), later)).toBe("conflict");
      expect(await store.replace(key, bytes("lost"), etag)).toBe("conflict");
      await store.delete(key);
    }
  });
}

function raceContract(harness: () => ObjectStoreHarness): void {
  it("lets exactly one of many concurrent writers win", async () => {
    const { store, another } = harness();
    const stores = [store, await another(), await another()];
    // Bodies that differ in every race: the winner's must not be the one that was in place.
    const race = async (etag: string, round: number): Promise<string> => {
      const outcomes = await Promise.all(
        Array.from({ length: racers }, (_, index) =>
          (stores[index % 3] ?? store).replace(key, bytes(`${round}: ${index}`), etag),
        ),
      );
      const [winner = -1, ...others] = winners(outcomes);
      expect(others).toEqual([]);
      expect(await textAt(store, key)).toBe(`${round}: ${winner}`);
      return etagOf(outcomes[winner] ?? "conflict");
    };
    let etag = await put(store, key, "start");
    for (let round = 0; round < rounds; round += 1) etag = await race(etag, round);
  });

  it("loses and doubles no increment of a counter", async () => {
    const { store, another } = harness();
    await put(store, key, "0");
    const stores = [store, await another(), await another(), await another()];
    await Promise.all(stores.map((each) => increment(each, 15)));
    expect(await textAt(store, key)).toBe("60");
  });
}

async function increment(store: ObjectStore, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const found = await store.get(key);
    if (found === undefined) throw new Error("the counter vanished");
    const next = Number(new TextDecoder().decode(found.body)) + 1;
    if ((await store.replace(key, bytes(`${next}`), found.etag)) !== "conflict") done += 1;
  }
}
