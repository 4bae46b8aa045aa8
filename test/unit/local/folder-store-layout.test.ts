import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { FolderObjectStore } from "@stampede/local";
import { describe, expect, it } from "vitest";
import { bytes, etagOf, keysOf, makeStore, temporaryFolder, textOf, treeOf } from "./stores.js";

describe("the folder of a FolderObjectStore", () => {
  it("holds a new object as a plain file, and nothing else", async () => {
    const { store, root } = makeStore();
    await store.create("jobs/a/spec.json", bytes("{}"));
    expect(treeOf(root)).toEqual(["objects/", "objects/jobs/", "objects/jobs/a/", "objects/jobs/a/spec.json", "tmp/"]);
    expect(readFileSync(join(root, "objects/jobs/a/spec.json"), "utf8")).toBe("{}");
  });

  it("holds the first and the newest version of a replaced object", async () => {
    const { store, root } = makeStore();
    let etag = etagOf(await store.create("head", bytes("1")));
    for (const body of ["2", "3", "4", "5"]) etag = etagOf(await store.replace("head", bytes(body), etag));
    expect(treeOf(root)).toEqual(["objects/", "objects/head", "objects/head~/", "objects/head~/00000005", "tmp/"]);
    expect(readFileSync(join(root, "objects/head~/00000005"), "utf8")).toBe("5");
  });

  it("is empty again when every object is deleted", async () => {
    const { store, root } = makeStore();
    await store.replace("jobs/a/head", bytes("2"), etagOf(await store.create("jobs/a/head", bytes("1"))));
    await store.create("jobs/b/spec", bytes("x"));
    await store.delete("jobs/a/head");
    await store.delete("jobs/b/spec");
    expect(treeOf(root)).toEqual(["objects/", "tmp/"]);
    await store.create("jobs/a/head", bytes("anew"));
    expect(textOf(await store.get("jobs/a/head"))).toBe("anew");
  });

  it("may be copied: the newest version stays the newest", async () => {
    const { store, root } = makeStore();
    await store.replace("head", bytes("2"), etagOf(await store.create("head", bytes("1"))));
    const copy = join(temporaryFolder(), "copy");
    cpSync(root, copy, { recursive: true });
    const copied = FolderObjectStore.open(copy);
    const found = await copied.get("head");
    expect(textOf(found)).toBe("2");
    etagOf(await copied.replace("head", bytes("3"), found?.etag ?? ""));
  });

  it("loses the temporary files of processes that died more than a day ago, and no others", () => {
    const { root } = makeStore();
    const old = join(root, "tmp/old");
    const fresh = join(root, "tmp/fresh");
    for (const path of [old, fresh]) writeFileSync(path, "x");
    const dayAgo = Date.now() / 1000 - 86_400;
    utimesSync(old, dayAgo - 60, dayAgo - 60);
    utimesSync(fresh, dayAgo + 60, dayAgo + 60);
    FolderObjectStore.open(root);
    expect([existsSync(old), existsSync(fresh)]).toEqual([false, true]);
  });

  it("keeps an object whose deletion was cut short by a crash, in its newest version", async () => {
    const { store, root } = makeStore();
    const etag = etagOf(
      await store.replace("a/head", bytes("new"), etagOf(await store.create("a/head", bytes("old")))),
    );
    rmSync(join(root, "objects/a/head"));
    expect(textOf(await store.get("a/head"))).toBe("new");
    expect(await store.head("a/head")).toEqual({ bytes: 3, etag });
    expect(await keysOf(store, "a/")).toEqual(["a/head"]);
    expect(await store.create("a/head", bytes("other"))).toBe("conflict");
    const next = etagOf(await store.replace("a/head", bytes("newer"), etag));
    expect(await store.head("a/head")).toEqual({ bytes: 5, etag: next });
    await store.delete("a/head");
    expect(treeOf(root)).toEqual(["objects/", "tmp/"]);
  });

  it("lets nobody create an object whose deletion was cut short while he wrote", async () => {
    const { store, root } = makeStore();
    const meanwhile = FolderObjectStore.open(root);
    async function* slowly(): AsyncGenerator<Uint8Array> {
      yield bytes("slow");
      await meanwhile.replace("head", bytes("new"), etagOf(await meanwhile.create("head", bytes("old"))));
      rmSync(join(root, "objects/head"));
    }
    expect(await store.create("head", slowly())).toBe("conflict");
    expect(textOf(await store.get("head"))).toBe("new");
  });

  it("gives every file a time of its own, so that one that inherits another's inode has another etag", async () => {
    const { store, root } = makeStore();
    const names = Array.from({ length: 20 }, (_, index) => `${index}`);
    for (const name of names) await store.create(name, bytes("same"));
    const farOff = names.filter((name) => Math.abs(statSync(join(root, "objects", name)).mtimeMs - Date.now()) > 30);
    // Within the same second, but anywhere in it: hardly ever close to the true time.
    expect(farOff.length).toBeGreaterThan(10);
  });

  it("is cleared of what a dead writer left beside a replaced object", async () => {
    const { store, root } = makeStore();
    let etag = etagOf(await store.replace("head", bytes("2"), etagOf(await store.create("head", bytes("1")))));
    writeFileSync(join(root, "objects/head~/00000003.dead"), "half a vers");
    writeFileSync(join(root, "objects/head~/notes.txt"), "foreign");
    expect(textOf(await store.get("head"))).toBe("2");
    etag = etagOf(await store.replace("head", bytes("3"), etag));
    expect(treeOf(join(root, "objects/head~"))).toEqual(["00000003"]);
    writeFileSync(join(root, "objects/head~/00000004.dead"), "half a vers");
    await store.delete("head");
    expect(treeOf(root)).toEqual(["objects/", "tmp/"]);
    expect(await store.replace("head", bytes("4"), etag)).toBe("conflict");
  });
});

describe("opening a FolderObjectStore", () => {
  it("makes the folder and those above it", async () => {
    const root = join(temporaryFolder(), "deep/er");
    await FolderObjectStore.open(root).create("a", bytes("1"));
    expect(textOf(await FolderObjectStore.open(root).get("a"))).toBe("1");
  });

  it("follows a root that is a link, for that is the user's own", async () => {
    const folder = temporaryFolder();
    const link = join(temporaryFolder(), "link");
    symlinkSync(folder, link);
    await FolderObjectStore.open(link).create("a", bytes("1"));
    expect(textOf(await FolderObjectStore.open(folder).get("a"))).toBe("1");
  });

  it.each([
    { what: "the root is a file", path: "root", found: "EEXIST" },
    { what: "the root lies below a file", path: "", found: "ENOTDIR" },
    { what: "the folder of objects is a file", path: "root/objects", found: "EEXIST" },
    { what: "the folder of temporary files is a file", path: "root/tmp", found: "EEXIST" },
  ])("refuses a place where it cannot write: $what", ({ path, found }) => {
    const folder = path === "" ? join(temporaryFolder(), "file") : temporaryFolder();
    if (path.includes("/")) mkdirSync(join(folder, "root"));
    writeFileSync(join(folder, path), "in the way");
    const root = join(folder, "root");
    expect(() => FolderObjectStore.open(root)).toThrow(
      expect.objectContaining({
        code: "store.not-writable",
        message: expect.stringMatching(
          new RegExp(`^Expected a folder that can be created and written for the store in ${root}, found: ${found}`),
        ),
        isInputError: true,
      }),
    );
    expect(readFileSync(join(folder, path), "utf8")).toBe("in the way");
  });
});
