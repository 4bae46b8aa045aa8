import {
  encodeRecord,
  CancelRecord,
  JobId,
  keys,
  StampedeError,
  type JobResult,
  type ObjectStore,
} from "@stampede/core";
import { ManualClock, MemoryObjectStore } from "@stampede/testing";
import {
  cancelJob,
  collectGarbage,
  handleDriverMessage,
  readResult,
  requestJob,
  sweepJobs,
  type DriverDeps,
} from "@stampede/training";
import { prepareJob, type PrepareDeps } from "@stampede/training/prepare";
import { listJobs, showJob } from "@stampede/client";
import { describe, expect, it } from "vitest";
import { deskOf, modelJson, wantedJob, type Desk } from "../../support/requested-jobs.js";
import { storeCluster } from "../../support/store-cluster.js";

const day = 24 * 60 * 60 * 1000;
const file = "s3://bucket/points.csv";
type Answer = PrepareDeps["requestDataset"];
const underWay: Answer = () => Promise.resolve("under-way");

/** A desk at which a small job has been requested. */
async function requested(requestDataset: Answer, change: Parameters<typeof wantedJob>[1] = {}) {
  const clock = new ManualClock(1_000_000);
  const store = new MemoryObjectStore(clock);
  const desk = deskOf(store, () => clock.now());
  const job = await requestJob(wantedJob(file, change), desk.deps);
  desk.sent.length = 0;
  const deps: PrepareDeps = { ...desk.deps, requestDataset };
  return { clock, store, job, desk, deps, driver: driverOf(deps) };
}

/** A driver that must not start anything. */
function driverOf(deps: PrepareDeps): DriverDeps {
  const executors = { start: () => Promise.reject(new Error("nothing is to be started")) };
  return { ...deps, executors, prepare: (job) => prepareJob(job, deps) };
}

const messages = ({ sent }: Desk): unknown[] => sent.map((body): unknown => JSON.parse(body));

async function keysUnder(store: ObjectStore, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key);
  return found;
}

function failureOf(result: JobResult | undefined): { readonly code: string; readonly message: string } {
  if (result?.status !== "failed" || result.error === undefined) throw new Error(`not failed: ${result?.status}`);
  return result.error;
}

describe("a requested job", () => {
  it("waits for its data, and its model is built once until then", async () => {
    const { store, job, driver } = await requested(underWay);
    for (let times = 0; times < 3; times += 1) {
      expect(await handleDriverMessage({ version: 1, type: "prepare", job }, driver)).toBe("running");
    }
    expect(await keysUnder(store, keys.job(job))).toEqual([keys.modelChecked(job), keys.request(job)]);
    expect(await readResult(store, job)).toBeUndefined();
  });

  it("is prepared when its driver only looks at it", async () => {
    const { job, driver } = await requested(underWay);
    expect(await handleDriverMessage({ version: 1, type: "look", job, reason: "sweep" }, driver)).toBe("running");
  });

  it("is unknown where nobody prepares jobs, and a job that nobody requested is unknown everywhere", async () => {
    const { job, driver } = await requested(underWay);
    const { prepare: _, ...without } = driver;
    const prepare = { version: 1, type: "prepare", job } as const;
    await expect(handleDriverMessage(prepare, without)).rejects.toMatchObject({ code: "job.not-found" });
    const other = { ...prepare, job: JobId.parse("other") };
    await expect(handleDriverMessage(other, driver)).rejects.toMatchObject({ code: "job.not-found" });
    const look = { version: 1, type: "look", job: other.job, reason: "timer" } as const;
    await expect(handleDriverMessage(look, driver)).rejects.toMatchObject({ code: "job.not-found" });
  });

  it("fails of what is wrong with its data, and that can be read and stays until old jobs are removed", async () => {
    const message = "points.csv, line 3: expected a number";
    const bad: Answer = () => Promise.reject(new StampedeError("data.not-a-number", message));
    const { store, job, driver, clock } = await requested(bad);
    expect(await handleDriverMessage({ version: 1, type: "prepare", job }, driver)).toBe("ended");
    const cluster = storeCluster(store);
    const shown = { job, name: "small", status: "failed", error: { code: "data.not-a-number", message } };
    expect(await showJob(cluster, job)).toMatchObject({ ...shown, executors: 2, engine: "not chosen yet" });
    expect(await listJobs(cluster)).toMatchObject([{ job, status: "failed", kind: "train" }]);
    expect(await keysUnder(store, keys.unfinished)).toEqual([]);
    await clock.advance(30 * day);
    const options = { minAgeMs: day, dryRun: false };
    await collectGarbage(options, { store, clock });
    expect(await showJob(cluster, job)).toMatchObject(shown);
    await collectGarbage({ ...options, jobsOlderThanMs: 7 * day }, { store, clock });
    expect(await keysUnder(store, "")).toEqual([]);
  });

  it("is left alone by garbage collection while its data is on its way, for a month if it takes that long", async () => {
    const { store, job, driver, clock } = await requested(underWay);
    await handleDriverMessage({ version: 1, type: "prepare", job }, driver);
    const before = await keysUnder(store, "");
    await clock.advance(30 * day);
    await collectGarbage({ minAgeMs: day, dryRun: false, jobsOlderThanMs: day }, { store, clock });
    expect(await keysUnder(store, "")).toEqual(before);
    expect(await showJob(storeCluster(store), job)).toMatchObject({ status: "unfinished", underWay: { done: 0 } });
  });

  it("fails of its model before any data is read", async () => {
    const lambda = { class_name: "Lambda", config: { name: "evil", function: ["bytecode"] } };
    const topology = { class_name: "Sequential", config: { name: "m", layers: [lambda] } };
    const never: Answer = () => Promise.reject(new Error("nobody asks for data"));
    const { store, job, driver } = await requested(never, { model: modelJson(topology) });
    await handleDriverMessage({ version: 1, type: "prepare", job }, driver);
    const { code, message } = failureOf(await readResult(store, job));
    expect(code).toBe("model.unsupported");
    expect(message).toContain('the class "Lambda" (at layer "evil")');
  });

  const dense = (config: unknown): unknown => ({ class_name: "Dense", config });
  const sequential = (...layers: unknown[]): unknown => ({
    class_name: "Sequential",
    config: { name: "m", layers },
  });

  it.each<[string, unknown]>([
    ["no layers", { class_name: "Sequential", config: { name: "m" } }],
    ["layers that are none", sequential(1, "two", null)],
    ["a size that is none", sequential(dense({ name: "d", units: -4, batch_input_shape: [null, 2] }))],
    ["a size that is text", sequential(dense({ name: "d", units: "4;process.exit()", batch_input_shape: [null, 2] }))],
    ["a shape that is none", sequential(dense({ name: "d", units: 1, batch_input_shape: "toString" }))],
    ["no input", sequential(dense({ name: "d", units: 1 }))],
    ["a class called toString", { class_name: "toString", config: {} }],
    ["a class called valueOf", sequential({ class_name: "valueOf", config: {} })],
    ["an activation called hasOwnProperty", sequential(dense({ name: "d", units: 1, activation: "hasOwnProperty" }))],
    ["a name that is a list", sequential(dense({ name: [1, 2], units: 1, batch_input_shape: [null, 2] }), 5)],
    ["a class whose name has 200 KB", sequential({ class_name: "x".repeat(200_000), config: {} })],
    [
      "a functional model whose nodes are none",
      { class_name: "Functional", config: { name: "f", layers: [], input_layers: [["a", 0, 0]], output_layers: [] } },
    ],
  ])("fails of a model that is none, at once: %s", async (_, topology) => {
    const { store, job, driver } = await requested(underWay, { model: modelJson(topology) });
    expect(await handleDriverMessage({ version: 1, type: "prepare", job }, driver)).toBe("ended");
    const { code, message } = failureOf(await readResult(store, job));
    expect(code).toMatch(/^model\.(unsupported|invalid|too-large)$/);
    expect(message.length).toBeLessThanOrEqual(10_000);
    expect(await showJob(storeCluster(store), job)).toMatchObject({ status: "failed", error: { code } });
  });

  it("fails when its time is over before it is prepared", async () => {
    const { store, job, driver, clock } = await requested(underWay, {
      training: { executors: 2, jobTimeoutSeconds: 60 },
    });
    const prepare = { version: 1, type: "prepare", job } as const;
    expect(await handleDriverMessage(prepare, driver)).toBe("running");
    await clock.advance(60_000);
    expect(await handleDriverMessage(prepare, driver)).toBe("ended");
    expect(failureOf(await readResult(store, job)).code).toBe("job.timed-out");
  });

  it("is cancelled before there is a job, whoever asks for it afterwards", async () => {
    const { store, job, driver, desk } = await requested(underWay);
    await cancelJob(job, desk.deps);
    expect((await readResult(store, job))?.status).toBe("cancelled");
    expect(await handleDriverMessage({ version: 1, type: "prepare", job }, driver)).toBe("ended");
    expect(await handleDriverMessage({ version: 1, type: "look", job, reason: "cancel" }, driver)).toBe("ended");
    expect(await keysUnder(store, keys.job(job))).toEqual([keys.cancel(job), keys.request(job), keys.result(job)]);
    await expect(cancelJob(job, desk.deps)).rejects.toMatchObject({ code: "job.not-resumable" });
  });

  it("is cancelled by whoever prepares it where the one who asked for that died on the way", async () => {
    const { store, job, driver } = await requested(underWay);
    const record = { version: 1, job, requestedAt: 1_000_000 } as const;
    await store.create(keys.cancel(job), encodeRecord(CancelRecord, record));
    expect(await handleDriverMessage({ version: 1, type: "prepare", job }, driver)).toBe("ended");
    expect((await readResult(store, job))?.status).toBe("cancelled");
  });
});

describe("the sweeper", () => {
  it("has a job prepared that is stalled, and not one that has made progress a moment ago", async () => {
    const { store, job, deps, desk, clock } = await requested(underWay);
    await clock.advance(59_000);
    await sweepJobs(deps);
    expect(messages(desk)).toEqual([]);
    await clock.advance(1_000);
    await sweepJobs(deps);
    expect(messages(desk)).toEqual([{ version: 1, type: "prepare", job }]);
    await cancelJob(job, deps);
    await sweepJobs(deps);
    expect(messages(desk)).toHaveLength(1);
    expect(await keysUnder(store, keys.unfinished)).toEqual([]);
  });
});

describe("a preparation that nobody foresaw the end of", () => {
  it("is tried five times, and then the job fails with the last reason", async () => {
    const { store, job, driver } = await requested(() => Promise.reject(new TypeError("x is undefined")));
    const prepare = { version: 1, type: "prepare", job } as const;
    for (let times = 0; times < 4; times += 1) {
      await expect(handleDriverMessage(prepare, driver)).rejects.toThrow("x is undefined");
      expect(await readResult(store, job)).toBeUndefined();
    }
    expect(await handleDriverMessage(prepare, driver)).toBe("ended");
    const { code, message } = failureOf(await readResult(store, job));
    expect(code).toBe("job.failed");
    expect(message).toMatch(/5 attempts failed, the last one because: TypeError: x is undefined/);
  });

  it("ends the job when the process died five times without a word", async () => {
    const { store, job, deps } = await requested(underWay);
    for (let times = 0; times < 5; times += 1) {
      let asked = (): void => undefined;
      const isAsked = new Promise<void>((resolve) => (asked = resolve));
      // The process is gone while it waits.
      const forever: Answer = () => {
        asked();
        return new Promise(() => undefined);
      };
      void prepareJob(job, { ...deps, requestDataset: forever });
      await isAsked;
    }
    expect(await prepareJob(job, deps)).toBe("failed");
    expect(failureOf(await readResult(store, job)).message).toContain("it ended without a word");
  });

  it("is tried as often as it takes while the store does not answer", async () => {
    const down = new StampedeError("store.unavailable", "no answer");
    const { store, job, driver } = await requested(() => Promise.reject(down));
    for (let times = 0; times < 12; times += 1) {
      const prepared = handleDriverMessage({ version: 1, type: "prepare", job }, driver);
      await expect(prepared).rejects.toThrow("no answer");
    }
    expect(await readResult(store, job)).toBeUndefined();
    expect(await keysUnder(store, keys.preparations(job))).toEqual([]);
  });
});
