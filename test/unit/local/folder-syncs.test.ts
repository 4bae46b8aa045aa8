import * as fs from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderObjectStore } from "@stampede/local";
import { afterEach, beforeEach, expect, it } from "vitest";

type Done = (error: NodeJS.ErrnoException | null) => void;

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "stampede-syncs-"));
});
afterEach(() => rm(home, { recursive: true }));

/** A store whose disk syncs folders when the test says so; `marks` is one of them, and there already. */
async function slowStore(): Promise<{ readonly store: FolderObjectStore; readonly waiting: Done[] }> {
  const waiting: Done[] = [];
  let isSlow = false;
  const fsync = (descriptor: number, done: Done): void => {
    if (isSlow && fs.fstatSync(descriptor).isDirectory()) waiting.push(done);
    else fs.fsync(descriptor, done);
  };
  const store = FolderObjectStore.open(home, { ...fs, fsync });
  await store.create("marks/0", new Uint8Array(8));
  isSlow = true;
  return { store, waiting };
}

/** Until so many syncs have been asked of the disk. */
async function until(waiting: readonly Done[], count: number): Promise<void> {
  while (waiting.length < count) await new Promise((resolve) => setImmediate(resolve));
}

/** Until there are objects of these names: in the same turn their writers ask for a sync of the folder. */
async function untilThere(store: FolderObjectStore, names: readonly string[]): Promise<void> {
  for (const name of names) {
    while ((await store.head(`marks/${name}`)) === undefined) await new Promise((resolve) => setImmediate(resolve));
  }
}

it("shares the sync of a folder among all who write there while another one runs", async () => {
  const { store, waiting } = await slowStore();
  const done: string[] = [];
  const write = async (name: string): Promise<void> => {
    await store.create(`marks/${name}`, new Uint8Array(8));
    done.push(name);
  };
  const first = write("first");
  await until(waiting, 1);
  const others = [write("second"), write("third"), write("fourth")];
  await untilThere(store, ["second", "third", "fourth"]);
  waiting[0]?.(null);
  await first;
  await until(waiting, 2);
  // The first one's sync had begun before their names were made.
  expect(done).toEqual(["first"]);
  waiting[1]?.(null);
  await Promise.all(others);
  expect(waiting).toHaveLength(2);
});

it("tells of a sync that fails those alone whose it was", async () => {
  const { store, waiting } = await slowStore();
  const first = store.create("marks/first", new Uint8Array(8));
  await until(waiting, 1);
  const second = store.create("marks/second", new Uint8Array(8));
  await untilThere(store, ["second"]);
  waiting[0]?.(Object.assign(new Error("no space"), { code: "ENOSPC", syscall: "fsync" }));
  await expect(first).rejects.toMatchObject({ code: "store.full" });
  await until(waiting, 2);
  waiting[1]?.(null);
  expect(await second).toHaveProperty("etag");
});
