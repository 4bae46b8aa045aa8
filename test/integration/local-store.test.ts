import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { FolderObjectStore } from "@stampede/local";
import { randomUint32 } from "@stampede/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { bytes, etagOf, keysOf, temporaryFolder, textOf, treeOf } from "../unit/local/stores.js";

const writer = join(import.meta.dirname, "../fixtures/store/writer.js");

interface Writer {
  readonly process: ChildProcess;
  /** Every line that it printed. */
  readonly lines: readonly string[];
  /** Resolves when it has printed this many lines. */
  readonly printed: (count: number) => Promise<void>;
  /** Resolves when it has ended and everything it printed is in `lines`. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

function startWriter(...args: readonly string[]): Writer {
  const child = spawn(process.execPath, [writer, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => lines.push(line));
  const closed = once(reader, "close");
  return {
    process: child,
    lines,
    printed: async (count) => {
      while (lines.length < count) await once(reader, "line");
    },
    ended: once(child, "exit").then(async () => {
      await closed;
      return { code: child.exitCode, signal: child.signalCode };
    }),
  };
}

const success = { code: 0, signal: null };

describe("several processes with one FolderObjectStore", () => {
  it("have exactly one winner for each object that all of them create", async () => {
    const root = temporaryFolder();
    const names = ["a", "b", "c", "d"];
    const writers = names.map((name) => startWriter("race", root, name, "60"));
    for (const { ended } of writers) expect(await ended).toEqual(success);
    const won = writers.flatMap(({ lines }, index) => lines.map((each) => ({ each, by: names[index] })));
    expect(won.map(({ each }) => Number(each)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 60 }, (_, i) => i),
    );
    const store = FolderObjectStore.open(root);
    for (const { each, by } of won) expect(textOf(await store.get(`race/${each}`))).toBe(by);
  });

  it("lose and double no increment of a counter", async () => {
    const root = temporaryFolder();
    const store = FolderObjectStore.open(root);
    await store.create("counter", bytes("0"));
    const writers = [1, 2, 3, 4].map(() => startWriter("count", root, "60"));
    for (const { ended } of writers) expect(await ended).toEqual(success);
    expect(textOf(await store.get("counter"))).toBe("240");
    const acknowledged = writers.flatMap(({ lines }) => lines.map(Number)).toSorted((a, b) => a - b);
    expect(acknowledged).toEqual(Array.from({ length: 240 }, (_, index) => index + 1));
    // The first version, and the newest: all others are pruned, and no writer left anything.
    expect(treeOf(root)).toEqual([
      "objects/",
      "objects/counter",
      "objects/counter~/",
      "objects/counter~/00000241",
      "tmp/",
    ]);
  });
});

describe("a process that is killed while it writes to a FolderObjectStore", () => {
  it("leaves only whole objects, and every one that was acknowledged", async () => {
    const root = temporaryFolder();
    const store = FolderObjectStore.open(root);
    let head = 0;
    for (let kill = 0; kill < 8; kill += 1) {
      const child = startWriter("forever", root, `${kill}`);
      await child.printed(1 + (randomUint32(7, kill) % 40));
      child.process.kill("SIGKILL");
      expect(await child.ended).toEqual({ code: null, signal: "SIGKILL" });
      const created = child.lines
        .filter((line) => line.startsWith("created "))
        .map((line) => line.slice("created ".length));
      const visible = await keysOf(store, `crash/${kill}/`);
      expect(visible).toEqual(expect.arrayContaining(created));
      expect(visible.length - created.length).toBeLessThanOrEqual(1);
      for (const key of visible) expect(await isWhole(store, key), key).toBe(true);
      const acknowledged = Number(
        child.lines.findLast((line) => line.startsWith("head "))?.slice("head ".length) ?? head,
      );
      const found = Number(textOf(await store.get("head")));
      expect([acknowledged, acknowledged + 1]).toContain(found);
      head = found;
    }
    // Whatever they left, the next one can go on.
    const current = await store.get("head");
    etagOf(await store.replace("head", bytes("after"), current?.etag ?? ""));
    expect(treeOf(join(root, "objects/head~"))).toHaveLength(1);
  });
});

async function isWhole(store: FolderObjectStore, key: string): Promise<boolean> {
  const body = (await store.get(key))?.body ?? new Uint8Array();
  const hash = createHash("sha256").update(body.subarray(32)).digest();
  return body.length > 32 && hash.equals(body.subarray(0, 32));
}
