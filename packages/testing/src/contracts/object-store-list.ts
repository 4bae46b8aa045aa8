import type { ObjectInfo, ObjectStore } from "@stampede/core";
import { expect, it } from "vitest";
import { bytes, etagOf, key, keysOf, put, type ObjectStoreHarness } from "./object-store-support.js";

/** What the clock of a store far away, and its grain, may differ from this machine's. */
const clockToleranceMs = 2_000;

/** One page of S3's ListObjectsV2 holds 1,000 keys. */
const moreThanAPage = 1_030;

export function listContract(harness: () => ObjectStoreHarness): void {
  it("lists all keys in ascending order, whatever the order of writing", async () => {
    const { store } = harness();
    // "-" and "." come before "/", digits and letters after it.
    const sorted = ["B", "a-b", "a.txt", "a/b", "a/b.c", "a/b0/c", "a/c", "a0", "a1/x/y/z", "ab", "b", "é/ü", "漢"];
    for (const each of sorted.toReversed()) await put(store, each, each);
    expect(await keysOf(store, "")).toEqual(sorted);
  });

  it("orders by UTF-16 code unit", async () => {
    const { store } = harness();
    // U+1F600 is the surrogates D83D DE00, which stand before U+FF5E here and after it in UTF-8.
    for (const each of ["\u{ff5e}", "\u{1f600}"]) await put(store, `u/${each}`, "x");
    expect(await keysOf(store, "u/")).toEqual(["u/\u{1f600}", "u/\u{ff5e}"]);
  });

  it.each([
    { prefix: "jobs/", found: ["jobs/a/1", "jobs/a/2", "jobs/ab/1", "jobs/b"] },
    { prefix: "jobs/a", found: ["jobs/a/1", "jobs/a/2", "jobs/ab/1"] },
    { prefix: "jobs/a/", found: ["jobs/a/1", "jobs/a/2"] },
    { prefix: "jobs/a/2", found: ["jobs/a/2"] },
    { prefix: "jo", found: ["jobs/a/1", "jobs/a/2", "jobs/ab/1", "jobs/b", "jokes"] },
    { prefix: "jobs/c/", found: [] },
    { prefix: "jobs/a/1/", found: [] },
    { prefix: "nothing", found: [] },
  ])("lists what begins with $prefix", async ({ prefix, found }) => {
    const { store } = harness();
    const all = ["datasets/x", "jobs/a/1", "jobs/a/2", "jobs/ab/1", "jobs/b", "jokes"];
    for (const each of all) await put(store, each, "x");
    expect(await keysOf(store, prefix)).toEqual(found);
  });

  it("tells the size of the newest version, each object once", async () => {
    const { store } = harness();
    const etag = await put(store, "a/replaced", "1");
    await put(store, "a/plain", "12");
    const second = etagOf(await store.replace("a/replaced", bytes("123"), etag));
    etagOf(await store.replace("a/replaced", bytes("12345"), second));
    const found = (await infosOf(store, "a/")).map(({ key: name, bytes: size }) => [name, size]);
    expect(found).toEqual([
      ["a/plain", 2],
      ["a/replaced", 5],
    ]);
  });

  it("tells when each object was written, by the clock of the store", async () => {
    const { store } = harness();
    const before = Date.now() - clockToleranceMs;
    await put(store, "a/plain", "12");
    const etag = await put(store, "a/replaced", "1");
    etagOf(await store.replace("a/replaced", bytes("123"), etag));
    const after = Date.now() + clockToleranceMs;
    for (const { modifiedAt } of await infosOf(store, "a/")) {
      expect(modifiedAt).toBeGreaterThanOrEqual(before);
      expect(modifiedAt).toBeLessThanOrEqual(after);
    }
  });

  it("dates an object anew when it is replaced, and by nothing else", async () => {
    const { store } = harness();
    const dates = async (): Promise<readonly (number | undefined)[]> => {
      const infos = await infosOf(store, "a/");
      return ["a/plain", "a/replaced"].map((name) => infos.find((info) => info.key === name)?.modifiedAt);
    };
    await put(store, "a/plain", "1");
    let etag = await put(store, "a/replaced", "1");
    const [plain, first = 0] = await dates();
    // A store may date to the second.
    await expect
      .poll(
        async () => {
          etag = etagOf(await store.replace("a/replaced", bytes("again"), etag));
          return (await dates())[1];
        },
        { interval: 100, timeout: 10_000 },
      )
      .toBeGreaterThan(first);
    await store.get("a/plain");
    await store.head("a/plain");
    expect(await store.create("a/plain", bytes("2"))).toBe("conflict");
    expect((await dates())[0]).toBe(plain);
  });

  it("lists more than one page, including all that was acknowledged before", async () => {
    const { store, another } = harness();
    const names = Array.from({ length: moreThanAPage }, (_, index) => `many/${String(index).padStart(5, "0")}`);
    for (let from = 0; from < names.length; from += 50) {
      await Promise.all(names.slice(from, from + 50).map((name) => store.create(name, bytes(name))));
    }
    expect(await keysOf(await another(), "many/")).toEqual(names);
  });

  deleteContract(harness);
}

function deleteContract(harness: () => ObjectStoreHarness): void {
  it("goes on when objects vanish while it lists", async () => {
    const { store } = harness();
    for (const each of ["v/a", "v/b/1", "v/b/2", "v/c", "v/d/1"]) await put(store, each, "x");
    const found: string[] = [];
    for await (const info of store.list("v/")) {
      found.push(info.key);
      if (found.length === 1) for (const each of ["v/b/1", "v/b/2", "v/d/1"]) await store.delete(each);
    }
    expect(found.filter((each) => each === "v/a" || each === "v/c")).toEqual(["v/a", "v/c"]);
  });

  it("deletes an object, and again without complaint", async () => {
    const { store } = harness();
    await put(store, key, "one");
    await put(store, "jobs/a/spec.json", "{}");
    await store.delete(key);
    await store.delete(key);
    await store.delete("never/there");
    expect(await store.get(key)).toBeUndefined();
    expect(await store.head(key)).toBeUndefined();
    expect(await keysOf(store, "")).toEqual(["jobs/a/spec.json"]);
  });

  it("deletes every version of a replaced object, so that it can be created anew", async () => {
    const { store } = harness();
    const etag = etagOf(await store.replace(key, bytes("two"), await put(store, key, "one")));
    etagOf(await store.replace(key, bytes("three"), etag));
    await store.delete(key);
    expect(await store.get(key)).toBeUndefined();
    expect(await keysOf(store, "")).toEqual([]);
    const anew = await put(store, key, "anew");
    expect(await store.head(key)).toEqual({ bytes: 4, etag: anew });
    etagOf(await store.replace(key, bytes("goes on"), anew));
  });
}

async function infosOf(store: ObjectStore, prefix: string): Promise<readonly ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  for await (const info of store.list(prefix)) found.push(info);
  return found;
}
