import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { JobAccepted } from "@stampede/api/contract";
import { keys } from "@stampede/core";
import { FolderObjectStore } from "@stampede/local";
import { Served } from "../e2e/support/served.js";
import { digitsJob, posted } from "../support/api.js";
import { framesOf } from "../support/streams.js";
import { figureOf, type SuiteReport } from "./measure.js";
import { withFolder } from "./temporary.js";

export interface ApiBench {
  /** Event streams at the same time. */
  readonly readers: number;
  /** Jobs submitted in a second. */
  readonly submits: number;
  /** For so long. */
  readonly seconds: number;
}

/** Rounds of the job that is followed; it runs at the same time as the load. */
const rounds = 200;

interface Load {
  readonly jobs: readonly string[];
  /** Requests that had to be made again. */
  readonly repeated: number;
  /** From the request to its answer, in milliseconds, ascending. */
  readonly latencies: readonly number[];
  readonly tookSeconds: number;
}

/** `stampede serve` in a process of its own, with readers and submissions that do not wait for each other. */
export async function apiSuite(bench: ApiBench): Promise<SuiteReport> {
  return withFolder(async (folder) => {
    const store = join(folder, "store");
    const served = await Served.start(store, "--requests-per-second", "1000000", "--jobs", "1");
    try {
      return await measure(bench, served, store);
    } finally {
      await served.end("SIGKILL");
    }
  });
}

async function measure(bench: ApiBench, served: Served, store: string): Promise<SuiteReport> {
  const headers = { Authorization: `Bearer ${served.token}` };
  const job = await submit(served, headers, digitsJob({ epochs: rounds, batchSize: 4 }));
  const memory = new MemoryWatch(served.pid);
  const readers = Array.from({ length: bench.readers }, () => follow(`${served.url}/v1/jobs/${job}/events`, headers));
  const load = await submitOpenLoop(bench, served, headers);
  const told = await Promise.all(readers);
  const mebibytes = memory.stop();
  const whole = told.filter((seen) => seen.length === rounds && seen.every((round, index) => round === index + 1));
  const lost = await lostJobs(load.jobs, store);
  const third = Math.max(1, Math.floor(mebibytes.length / 3));
  return {
    suite: "api",
    parameters: { ...bench, rounds },
    figures: [
      figureOf("streams that told every round once", "", [whole.length], { atLeast: bench.readers }),
      figureOf("jobs submitted", "1/s", [load.jobs.length / load.tookSeconds], { atLeast: bench.submits * 0.99 }),
      figureOf("submissions that had to be repeated", "", [load.repeated]),
      figureOf("jobs lost, or made twice", "", [lost], { atMost: 0 }),
      figureOf("submission, median", "ms", [load.latencies[Math.floor(load.latencies.length / 2)] ?? 0]),
      figureOf("submission, 99th percentile", "ms", [load.latencies[Math.floor(load.latencies.length * 0.99)] ?? 0]),
      figureOf("memory of the server, first third", "MiB", mebibytes.slice(0, third)),
      figureOf("memory of the server, last third", "MiB", mebibytes.slice(-third)),
      figureOf("memory of the server, most", "MiB", [Math.max(...mebibytes)]),
    ],
    notes: ["the server, its executors and the load share the machine", "memory is the resident set, once a second"],
  };
}

async function submit(served: Served, headers: Record<string, string>, job: object): Promise<string> {
  const response = await fetch(`${served.url}/v1/jobs`, posted(job, headers));
  if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
  return JobAccepted.parse(await response.json()).job;
}

/** The rounds that a stream has told; a connection that ends before the job does is gone on with, as a browser does. */
async function follow(url: string, headers: Record<string, string>): Promise<readonly number[]> {
  const seen: number[] = [];
  for (let lastId: string | undefined; ;) {
    const more = lastId === undefined ? {} : { "Last-Event-ID": lastId };
    const response = await fetch(url, { headers: { ...headers, ...more } });
    if (response.status === 204) return seen;
    for await (const { id, event } of framesOf(response.body)) {
      lastId = id;
      if (event === "round.finished") seen.push(Number(id));
    }
    if (lastId === "end") return seen;
  }
}

/** So many a second whatever the answers do, each under a key of its own. */
async function submitOpenLoop(
  { submits, seconds }: ApiBench,
  served: Served,
  headers: Record<string, string>,
): Promise<Load> {
  const began = performance.now();
  const jobs: string[] = [];
  const latencies: number[] = [];
  let repeated = 0;
  const body = digitsJob({ epochs: 1 });
  const one = async (index: number): Promise<void> => {
    const start = performance.now();
    // As the product's client does: again with the same key, until it is taken over.
    for (;;) {
      const job = await submit(served, { ...headers, "Idempotency-Key": `key-${index}` }, body).catch(() => undefined);
      if (job !== undefined) {
        jobs.push(job);
        break;
      }
      repeated += 1;
      await sleep(500);
    }
    latencies.push(performance.now() - start);
  };
  const underWay: Promise<void>[] = [];
  for (let index = 0; index < submits * seconds; index += 1) {
    const dueMs = began + (index * 1000) / submits - performance.now();
    if (dueMs > 1) await sleep(dueMs);
    underWay.push(one(index));
  }
  await Promise.all(underWay);
  const tookSeconds = (performance.now() - began) / 1000;
  return { jobs, repeated, latencies: latencies.toSorted((a, b) => a - b), tookSeconds };
}

async function lostJobs(jobs: readonly string[], home: string): Promise<number> {
  const found = new Set<string>();
  for await (const { key } of FolderObjectStore.open(home).list(keys.jobs)) {
    if (key.endsWith("/request.json")) found.add(key.slice(keys.jobs.length, -"/request.json".length));
  }
  // And the one that is followed.
  const twice = found.size - 1 - new Set(jobs).size;
  return jobs.filter((job) => !found.has(job)).length + (jobs.length - new Set(jobs).size) + twice;
}

/** The resident set of a process, once a second. */
class MemoryWatch {
  readonly #samples: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    const look = (): void => {
      const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
      this.#samples.push(Number(kibibytes) / 1024);
    };
    look();
    this.#timer = setInterval(look, 1000);
  }

  stop(): readonly number[] {
    clearInterval(this.#timer);
    return this.#samples;
  }
}
