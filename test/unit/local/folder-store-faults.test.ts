import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { FolderObjectStore, type Files } from "@stampede/local";
import { describe, expect, it } from "vitest";
import { bytes, errno, etagOf, keysOf, makeStore, temporaryFolder, textOf, treeOf } from "./stores.js";

const writer = join(import.meta.dirname, "../../fixtures/store/writer.js");

/** Another process does this meanwhile, from beginning to end. */
function meanwhile(action: string, root: string, ...rest: readonly string[]): void {
  execFileSync(process.execPath, [writer, action, root, ...rest]);
}

const failing = (code: string, syscall: string) => (): never => {
  throw errno(code, syscall);
};
const failingSync =
  (code: string) =>
  (...[, done]: Parameters<Files["fsync"]>): void =>
    done(errno(code, "fsync"));

describe("a FolderObjectStore on a disk that fails", () => {
  it.each([
    { fault: "ENOSPC", code: "store.full", text: /found the disk full: ENOSPC.*what was committed before is safe/ },
    { fault: "EDQUOT", code: "store.full", text: /found the disk full: EDQUOT/ },
    { fault: "EACCES", code: "store.not-writable", text: /^Expected to be allowed to write object .* found: EACCES/ },
    { fault: "EPERM", code: "store.not-writable", text: /found: EPERM/ },
    { fault: "EROFS", code: "store.not-writable", text: /found: EROFS/ },
    {
      fault: "EIO",
      code: "store.unavailable",
      text: /^Expected to write object .* found: EIO.*committed before is safe/,
    },
    { fault: "EMFILE", code: "store.unavailable", text: /found: EMFILE/ },
  ])("reports $fault as $code and leaves nothing behind", async ({ fault, code, text }) => {
    const faults: Partial<Files>[] = [
      { writeSync: failing(fault, "write") },
      { fsync: failingSync(fault) },
      { linkSync: failing(fault, "link") },
    ];
    for (const each of faults) {
      const { store, root } = makeStore(each);
      const before = FolderObjectStore.open(root);
      await before.create("jobs/a/committed", bytes("safe"));
      const etag = etagOf(await before.create("jobs/a/head", bytes("1")));
      const path = join(root, "objects/jobs/a/new");
      const expected = {
        code,
        message: expect.stringMatching(text),
        details: { key: "jobs/a/new", path, errno: fault },
      };
      await expect(store.create("jobs/a/new", bytes("x"))).rejects.toMatchObject(expected);
      await expect(store.replace("jobs/a/head", bytes("2"), etag)).rejects.toMatchObject({ code });
      expect(textOf(await before.get("jobs/a/head"))).toBe("1");
      expect(await keysOf(before, "")).toEqual(["jobs/a/committed", "jobs/a/head"]);
      expect(treeOf(join(root, "tmp"))).toEqual([]);
      expect(treeOf(join(root, "objects/jobs/a/head~"))).toEqual([]);
    }
  });

  it("reports a disk that cannot be read", async () => {
    const { store } = makeStore({ readSync: failing("EIO", "read") });
    await store.create("a/b", bytes("1"));
    await expect(store.get("a/b")).rejects.toMatchObject({
      code: "store.unavailable",
      message: expect.stringMatching(/^Expected to read object "a\/b" \(.*objects\/a\/b\), found: EIO/),
    });
  });

  it("reports a folder that may not be listed or deleted from", async () => {
    const { store } = makeStore({ readdirSync: failing("EACCES", "scandir"), unlinkSync: failing("EACCES", "unlink") });
    await expect(keysOf(store, "")).rejects.toMatchObject({ code: "store.unavailable" });
    await expect(store.delete("a")).rejects.toMatchObject({ code: "store.not-writable" });
  });

  it("does not take an object that another program cut short for whole", async () => {
    const { store } = makeStore({ readSync: () => 0 });
    await store.create("a", bytes("1234"));
    await expect(store.get("a")).rejects.toMatchObject({
      code: "store.corrupt",
      message: expect.stringContaining("Expected an object of 4 bytes, found 0"),
    });
  });

  it("writes on when the system takes only a part at a time", async () => {
    const one = (...[fd, data, offset]: [number, Uint8Array, number]): number => fs.writeSync(fd, data, offset, 1);
    const { store } = makeStore({ writeSync: one as Files["writeSync"] });
    await store.create("a", bytes("whole"));
    expect(textOf(await store.get("a"))).toBe("whole");
  });

  it.each([
    { fault: "EXDEV", code: "store.not-writable", text: /^Expected a file system with hard links for the store/ },
    { fault: "ENOSPC", code: "store.full", text: /^Expected room for a store in / },
    {
      fault: "EROFS",
      code: "store.not-writable",
      text: /^Expected a folder that can be created and written for the store/,
    },
  ])("says at once that it cannot be opened: $fault", ({ fault, code, text }) => {
    const open = (): unknown => FolderObjectStore.open(temporaryFolder(), { ...fs, linkSync: failing(fault, "link") });
    expect(open).toThrow(expect.objectContaining({ code, message: expect.stringMatching(text) }));
  });
});

describe("the order of a FolderObjectStore's steps", () => {
  it("puts content on the disk before its name, and the name before the answer", async () => {
    const steps: string[] = [];
    const root = temporaryFolder();
    const store = FolderObjectStore.open(root, recording(root, steps));
    steps.length = 0;
    const etag = etagOf(await store.create("jobs/a/head", bytes("1")));
    expect(steps).toEqual([
      "sync tmp/*",
      "link objects/jobs/a/head",
      "sync objects/jobs/a",
      "sync objects/jobs",
      "sync objects",
    ]);
    steps.length = 0;
    await store.create("jobs/a/spec", bytes("1"));
    expect(steps).toEqual(["sync tmp/*", "link objects/jobs/a/spec", "sync objects/jobs/a"]);
    steps.length = 0;
    const second = etagOf(await store.replace("jobs/a/head", bytes("2"), etag));
    expect(steps).toEqual([
      "sync objects/jobs/a/head~/*",
      "link objects/jobs/a/head~/00000002",
      "sync objects/jobs/a/head~",
      "sync objects/jobs/a",
    ]);
    steps.length = 0;
    await store.replace("jobs/a/head", bytes("3"), second);
    expect(steps).toEqual([
      "sync objects/jobs/a/head~/*",
      "link objects/jobs/a/head~/00000003",
      "sync objects/jobs/a/head~",
    ]);
  });
});

describe("a FolderObjectStore whose new folders do not reach the disk", () => {
  it("answers nothing before they have, and tries again with the next object", async () => {
    const paths = new Map<number, string>();
    const refused = new Set(["objects"]);
    const { store, root } = makeStore({
      openSync: (path, ...rest) => {
        const descriptor = fs.openSync(path, ...rest);
        paths.set(descriptor, String(path).slice(root.length + 1));
        return descriptor;
      },
      fsync: (descriptor, done) => {
        if (refused.has(paths.get(descriptor) ?? "")) done(errno("EIO", "fsync"));
        else fs.fsync(descriptor, done);
      },
    });
    await expect(store.create("jobs/a/1", bytes("1"))).rejects.toMatchObject({ code: "store.unavailable" });
    await expect(store.create("jobs/a/2", bytes("2"))).rejects.toMatchObject({ code: "store.unavailable" });
    refused.clear();
    etagOf(await store.create("jobs/a/3", bytes("3")));
  });
});

describe("a slow writer", () => {
  it.each([
    {
      what: "many versions are written and pruned",
      action: "replace",
      rest: ["head", "25"],
      found: "version by another 24",
    },
    { what: "the object is deleted and created anew", action: "renew", rest: ["head"], found: "anew" },
  ])("loses when $what while it waits for the disk", async ({ action, rest, found }) => {
    let armed = false;
    const { store, root } = makeStore({
      fsync: (descriptor, done) => {
        if (armed) meanwhile(action, root, ...rest);
        armed = false;
        fs.fsync(descriptor, done);
      },
    });
    const etag = etagOf(await store.create("head", bytes("1")));
    armed = true;
    expect(await store.replace("head", bytes("too late"), etag)).toBe("conflict");
    expect(textOf(await store.get("head"))).toBe(found);
    expect(treeOf(root).some((path) => path.includes("."))).toBe(false);
  });

  it.each([
    {
      what: "many versions are written and pruned",
      action: "replace",
      rest: ["head", "25"],
      found: "version by another 24",
    },
    { what: "the object is deleted and created anew", action: "renew", rest: ["head"], found: "anew" },
  ])("loses when $what between its last look and its link", async ({ action, rest, found }) => {
    let armed = false;
    const { store, root } = makeStore({
      linkSync: (from, to) => {
        if (armed) meanwhile(action, root, ...rest);
        armed = false;
        fs.linkSync(from, to);
      },
    });
    const first = etagOf(await store.create("head", bytes("1")));
    const etag = etagOf(await store.replace("head", bytes("2"), first));
    armed = true;
    expect(await store.replace("head", bytes("too late"), etag)).toBe("conflict");
    expect(textOf(await store.get("head"))).toBe(found);
    expect(treeOf(root).some((path) => path.includes("."))).toBe(false);
  });

  it.each([
    {
      what: "many versions are written and pruned",
      action: "replace",
      rest: ["head", "25"],
      found: "version by another 24",
    },
    { what: "the object is deleted and created anew", action: "renew", rest: ["head"], found: "anew" },
  ])("loses when $what between its first look and its announcement", async ({ action, rest, found }) => {
    let armed = false;
    const { store, root } = makeStore({
      openSync: (path, ...others) => {
        if (armed && others[0] === "wx") {
          armed = false;
          meanwhile(action, root, ...rest);
          fs.mkdirSync(join(root, "objects/head~"), { recursive: true });
        }
        return fs.openSync(path, ...others);
      },
    });
    const etag = etagOf(await store.create("head", bytes("1")));
    armed = true;
    expect(await store.replace("head", bytes("too late"), etag)).toBe("conflict");
    expect(textOf(await store.get("head"))).toBe(found);
    expect(treeOf(root).some((path) => path.includes("."))).toBe(false);
  });

  it("finds its folder again when another process removed it as empty", async () => {
    let armed = false;
    const { store, root } = makeStore({
      linkSync: (from, to) => {
        if (armed) fs.rmSync(join(root, "objects/jobs"), { recursive: true });
        armed = false;
        fs.linkSync(from, to);
      },
    });
    await store.create("jobs/a/1", bytes("1"));
    armed = true;
    etagOf(await store.create("jobs/a/2", bytes("2")));
    expect(await keysOf(store, "")).toEqual(["jobs/a/2"]);
  });
});

/** Writes down what reaches the disk, in order; random names become `*`. */
function recording(root: string, steps: string[]): Files {
  const paths = new Map<number, string>();
  const short = (path: string): string =>
    path.slice(root.length + 1).replace(/(\d{8}\.)?[0-9a-f]{8}-[0-9a-f-]{27}/, "*");
  return {
    ...fs,
    openSync: (path, ...rest) => {
      const descriptor = fs.openSync(path, ...rest);
      paths.set(descriptor, String(path));
      return descriptor;
    },
    fsync: (descriptor, done) => {
      steps.push(`sync ${short(paths.get(descriptor) ?? "")}`);
      fs.fsync(descriptor, done);
    },
    linkSync: (from, to) => {
      steps.push(`link ${short(String(to))}`);
      fs.linkSync(from, to);
    },
  };
}
