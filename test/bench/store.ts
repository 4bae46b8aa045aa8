import { join } from "node:path";
import type { ObjectStore, Queue } from "@stampede/core";
import { EmbeddedQueue, FolderObjectStore, systemClock, systemTimers } from "@stampede/local";
import { figureOf, median, warmSamplesOf, type Figure, type SuiteReport } from "./measure.js";
import { withFolder } from "./temporary.js";

/** Calls of one kind in one repeat. */
const calls = 300;
/** Writers at the same time, for the throughput. */
const writers = 16;
const bodyBytes = 4096;

interface Times {
  readonly create: number;
  readonly replace: number;
  readonly get: number;
  readonly commitsPerSecond: number;
  readonly delivery: number;
}

/** The embedded cloud's commit and message latencies, on the disk of the temporary folder. */
export async function storeSuite({ repeat }: { readonly repeat: number }): Promise<SuiteReport> {
  const all = await warmSamplesOf(repeat, () => withFolder(measureOnce));
  const latency = (name: string, key: "create" | "replace" | "get" | "delivery"): Figure =>
    figureOf(
      name,
      "ms",
      all.map((times) => times[key]),
    );
  return {
    suite: "store",
    parameters: { calls, bodyBytes, writers, repeats: repeat },
    figures: [
      latency("create, median latency", "create"),
      latency("replace, median latency", "replace"),
      latency("get, median latency", "get"),
      figureOf(
        "commits of concurrent writers",
        "1/s",
        all.map(({ commitsPerSecond }) => commitsPerSecond),
      ),
      latency("queue, median from send to receive", "delivery"),
    ],
  };
}

async function measureOnce(folder: string): Promise<Times> {
  const store = FolderObjectStore.open(join(folder, "store"));
  const queue = new EmbeddedQueue({ clock: systemClock, timers: systemTimers });
  const create = await medianMs((i) => store.create(keyOf(i), bodyOf(i)));
  const get = await medianMs((i) => store.get(keyOf(i)));
  return {
    create,
    get,
    replace: await replaceLatency(store),
    commitsPerSecond: await commitRate(store),
    delivery: await deliveryLatency(queue),
  };
}

/** One record that moves on again and again, as a job's head does. */
async function replaceLatency(store: ObjectStore): Promise<number> {
  let outcome = await store.create("head.json", bodyOf(0));
  return medianMs(async (i) => {
    if (outcome === "conflict") throw new Error("Expected the only writer of head.json to win, found a conflict.");
    outcome = await store.replace("head.json", bodyOf(i + 1), outcome.etag);
  });
}

async function commitRate(store: ObjectStore): Promise<number> {
  const began = performance.now();
  const one = async (writer: number): Promise<void> => {
    for (let i = writer; i < calls; i += writers) await store.create(`many/${keyOf(i)}`, bodyOf(i));
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => one(writer)));
  return (calls * 1000) / (performance.now() - began);
}

/** The receiver waits before the message is sent, as a driver does. */
async function deliveryLatency(queue: Queue): Promise<number> {
  return medianMs(async (i) => {
    const receiving = queue.receive({ max: 1, waitMs: 10_000, visibilityMs: 30_000 });
    await queue.send(String(i));
    const [message] = await receiving;
    if (message === undefined) throw new Error("Expected a message within 10 s, found none.");
    await queue.delete(message.receipt);
  });
}

async function medianMs(call: (index: number) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < calls; i++) {
    const began = performance.now();
    await call(i);
    times.push(performance.now() - began);
  }
  return median(times);
}

const keyOf = (index: number): string => `objects/${String(index).padStart(5, "0")}`;
const bodyOf = (seed: number): Uint8Array => new Uint8Array(bodyBytes).fill(seed % 251);
