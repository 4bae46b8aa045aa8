import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FolderObjectStore } from "@stampede/local";
import { describe, expect, it } from "vitest";
import { bytes, etagOf, keysOf, makeStore, temporaryFolder, textOf, treeOf } from "./stores.js";

const badKeys = [
  { key: "", found: "an empty segment" },
  { key: "/etc/passwd", found: "an empty segment" },
  { key: "a//b", found: "an empty segment" },
  { key: "a/", found: "an empty segment" },
  { key: ".", found: 'the segment "."' },
  { key: "..", found: 'the segment ".."' },
  { key: "../a", found: 'the segment ".."' },
  { key: "a/../../b", found: 'the segment ".."' },
  { key: "a/./b", found: 'the segment "."' },
  { key: "a~", found: 'a segment that ends in "~", which marks older versions' },
  { key: "a~/00000002", found: 'a segment that ends in "~", which marks older versions' },
  { key: "..\\a", found: "a backslash or NUL" },
  { key: "a\0b", found: "a backslash or NUL" },
  { key: "a\ud800", found: "text that is not valid Unicode" },
  { key: `a/${"x".repeat(255)}`, found: "a segment of more than 254 bytes" },
  { key: "é/".repeat(400), found: "1200 bytes; at most 1024 are allowed" },
];

describe("keys of a FolderObjectStore", () => {
  it.each(badKeys)("refuses $key", async ({ key, found }) => {
    const { store, root } = makeStore();
    const expected = { code: "store.invalid-key", message: expect.stringContaining(`found ${found} in `) };
    await expect(store.get(key)).rejects.toMatchObject(expected);
    await expect(store.head(key)).rejects.toMatchObject(expected);
    await expect(store.create(key, bytes("x"))).rejects.toMatchObject(expected);
    await expect(store.replace(key, bytes("x"), "1")).rejects.toMatchObject(expected);
    await expect(store.delete(key)).rejects.toMatchObject(expected);
    expect(treeOf(root)).toEqual(["objects/", "tmp/"]);
  });

  it.each(["../", "a/../", "/", "a//b", "a~/", "a/../../tmp/x"])("refuses the prefix %s", async (prefix) => {
    const { store } = makeStore();
    await expect(keysOf(store, prefix)).rejects.toMatchObject({ code: "store.invalid-key" });
  });

  it.each(["..", ".", "~", "a~", "a\\b"])("finds nothing that begins with %s", async (prefix) => {
    const { store } = makeStore();
    await store.create("a/b", bytes("x"));
    expect(await keysOf(store, prefix)).toEqual([]);
  });

  it.each([
    "...",
    "..a",
    "a..",
    "a b/c\n",
    "~a",
    "a~b",
    "ключ/鍵",
    "\u{1f600}",
    "x".repeat(254),
    "COM1.txt",
    "-rf",
    "a/".repeat(400) + "b",
  ])("takes %j", async (key) => {
    const { store } = makeStore();
    const etag = etagOf(await store.create(key, bytes("1")));
    etagOf(await store.replace(key, bytes("2"), etag));
    expect(textOf(await store.get(key))).toBe("2");
    expect(await keysOf(store, "")).toEqual([key]);
    await store.delete(key);
    expect(await keysOf(store, "")).toEqual([]);
  });

  it("says that it cannot hold both a and a/b", async () => {
    const { store } = makeStore();
    await store.create("folder/object", bytes("x"));
    await expect(store.create("folder", bytes("x"))).rejects.toMatchObject({ code: "store.invalid-key" });
    await store.delete("folder");
    await expect(store.create("folder/object/below", bytes("x"))).rejects.toMatchObject({
      code: "store.invalid-key",
      message: expect.stringContaining('cannot hold both "a" and "a/b"'),
    });
    expect(await store.get("folder/object/below")).toBeUndefined();
    await store.delete("folder/object/below");
    expect(await keysOf(store, "")).toEqual(["folder/object"]);
    expect(await keysOf(store, "folder/object/")).toEqual([]);
  });
});

describe("links in the folder of a FolderObjectStore", () => {
  it("are not followed where a folder should be", async () => {
    const { root } = makeStore();
    const outside = temporaryFolder();
    writeFileSync(join(outside, "secret"), "secret");
    mkdirSync(join(root, "objects/jobs"));
    symlinkSync(outside, join(root, "objects/jobs/a"));
    const store = FolderObjectStore.open(root);
    const refused = {
      code: "store.corrupt",
      message: expect.stringMatching(/^Expected a folder of the store at .*objects\/jobs\/a, found a symbolic link/),
    };
    await expect(store.get("jobs/a/secret")).rejects.toMatchObject(refused);
    await expect(store.head("jobs/a/secret")).rejects.toMatchObject(refused);
    await expect(store.create("jobs/a/new", bytes("x"))).rejects.toMatchObject(refused);
    await expect(store.create("jobs/a/b/new", bytes("x"))).rejects.toMatchObject(refused);
    await expect(store.replace("jobs/a/secret", bytes("x"), "1")).rejects.toMatchObject(refused);
    await expect(store.delete("jobs/a/secret")).rejects.toMatchObject(refused);
    await expect(keysOf(store, "jobs/a/")).rejects.toMatchObject(refused);
    expect(await keysOf(store, "jobs/")).toEqual([]);
    expect(treeOf(outside)).toEqual(["secret"]);
  });

  it("are not followed where an object should be", async () => {
    const { root } = makeStore();
    const outside = join(temporaryFolder(), "secret");
    writeFileSync(outside, "secret");
    symlinkSync(outside, join(root, "objects/link"));
    symlinkSync(join(outside, "..", "made"), join(root, "objects/dangling"));
    const store = FolderObjectStore.open(root);
    for (const key of ["link", "dangling"]) {
      await expect(store.get(key)).rejects.toMatchObject({ code: "store.corrupt" });
      await expect(store.create(key, bytes("x"))).rejects.toMatchObject({ code: "store.corrupt" });
      expect(await store.head(key)).toBeUndefined();
    }
    expect(await keysOf(store, "")).toEqual([]);
    await store.delete("link");
    expect(existsSync(join(root, "objects/link"))).toBe(false);
    expect(readFileSync(outside, "utf8")).toBe("secret");
    expect(existsSync(join(outside, "..", "made"))).toBe(false);
  });

  it("are not followed where versions should be", async () => {
    const { store, root } = makeStore();
    const outside = temporaryFolder();
    writeFileSync(join(outside, "00000002"), "secret");
    const etag = etagOf(await store.create("head", bytes("1")));
    symlinkSync(outside, join(root, "objects/head~"));
    await expect(store.get("head")).rejects.toMatchObject({ code: "store.corrupt" });
    await expect(store.replace("head", bytes("2"), etag)).rejects.toMatchObject({ code: "store.corrupt" });
    await expect(store.delete("head")).rejects.toMatchObject({ code: "store.corrupt" });
    expect(treeOf(outside)).toEqual(["00000002"]);
  });

  it.each(["objects", "tmp"])("are not followed in place of the folder %s", (name) => {
    const root = temporaryFolder();
    symlinkSync(temporaryFolder(), join(root, name));
    expect(() => FolderObjectStore.open(root)).toThrow(expect.objectContaining({ code: "store.corrupt" }));
  });
});
