import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { localCluster, train, type LocalCluster } from "@stampede/client";
import {
  decodeMessage,
  DriverMessage,
  encodeMessage,
  isStampedeError,
  JobFile,
  JobId,
  keys,
  sha256Hex,
  type JobSpec,
  type ObjectStore,
  type ShardTask,
  type TaskMessage,
} from "@stampede/core";
import { modelFiles, modelFromJson } from "@stampede/runtime";
import { FaultyObjectStore, MemoryObjectStore, type Faults } from "@stampede/testing";
import {
  handleDriverMessage,
  handleShardMessage,
  readResult,
  readSpec,
  readWeights,
  requestDataset,
  requestJob,
  type WantedJob,
} from "@stampede/training";
import { prepareJob, type PrepareDeps } from "@stampede/training/prepare";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { denseTopology, deskOf, linearCsv, modelJson, wantedJob } from "../support/requested-jobs.js";

vi.setConfig({ testTimeout: 120_000 });

let folder = "";
let cluster: LocalCluster;
const path = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stampede-prepared-"));
  cluster = localCluster({ home: path("store"), threads: 2 });
  await writeFile(path("points.csv"), linearCsv(43));
  await writeFile(path("bad.csv"), "a,b,y\n1,2,3\n4,five,6\n7,8,9\n10,11,12\n");
});
afterAll(async () => {
  await cluster.close();
  await rm(folder, { recursive: true, force: true });
});

/** Requests a job from the store of the cluster, has it prepared there, and runs it. */
async function inTheCloud(
  change: Partial<WantedJob> = {},
): Promise<{ readonly job: JobId; readonly store: ObjectStore }> {
  const store = await cluster.open();
  const { deps } = deskOf(store);
  // The desk's numbers start again for each.
  const job = await requestJob(wantedJob(path("points.csv"), { capacity: cluster.capacity, ...change }), {
    ...deps,
    unique: { hex: (digits) => sha256Hex(`${(ids += 1)}`).slice(0, digits) },
  });
  const outcome = await prepareJob(job, deps);
  if (outcome === "submitted") await cluster.run(job, { resumed: false, onEvent: () => undefined });
  return { job, store };
}
let ids = 0;

/** The same by a client, with the model as a file beside its weights. */
async function byTheClient(
  change: Partial<WantedJob> = {},
): Promise<{ readonly weightsSha256: string; readonly spec: JobSpec }> {
  const { model, capacity: _, readFile: _readFile, ...fields } = wantedJob(path("points.csv"), change);
  if (change.readFile === undefined) await writeFile(path("model.json"), JSON.stringify(model));
  const job = JobFile.parse({ ...fields, model: "model.json" });
  const source = { type: "file", path: path("model.json") } as const;
  const out = path(`out-${(ids += 1)}`);
  const ended = await train({ job, model: source, baseFolder: folder, cluster, out });
  return { weightsSha256: ended.weightsSha256 ?? "none", spec: await readSpec(await cluster.open(), ended.job) };
}

/** What is the same of one job however it was prepared. */
function comparable({ job: _, createdAt: _at, ...spec }: JobSpec): Omit<JobSpec, "job" | "createdAt"> {
  return spec;
}

const submitted = (job: JobId): unknown => ({ version: 1, type: "look", job, reason: "submitted" });

const validation = { format: "csv", features: { columns: ["a", "b"] }, labels: { column: "y" } } as const;

describe("a job that is prepared in the cloud", () => {
  it.each<[string, () => Partial<WantedJob>]>([
    ["with rows held out", () => ({})],
    [
      "with validation data of its own, and gradients that are clipped",
      () => ({
        data: {
          train: { ...validation, file: path("points.csv") },
          validation: { ...validation, file: path("points.csv") },
        },
        training: { executors: 3, epochs: 1, batchSize: 8, seed: 5, gradients: { globalClipNorm: 0.5 } },
      }),
    ],
    ["on the tfjs engine that it asks for", () => ({ engine: "tfjs-cpu" as const })],
  ])("ends in the bits of the same job that a client prepares: %s", async (_, change) => {
    const client = await byTheClient(change());
    const { job, store } = await inTheCloud(change());
    expect(await readResult(store, job)).toMatchObject({ status: "succeeded", weightsSha256: client.weightsSha256 });
    expect(comparable(await readSpec(store, job))).toEqual(comparable(client.spec));
  });

  it("begins with the weights that it was requested with", async () => {
    const { definition, weights } = await modelFromJson(modelJson(denseTopology(3)), {
      compile: { optimizer: "sgd", loss: "meanSquaredError", metrics: [] },
      seedKey: 99,
    });
    const files = modelFiles(definition, weights, 40);
    for (const [name, bytes] of Object.entries(files)) await writeFile(path(name), bytes);
    const model: unknown = JSON.parse(await readFile(path("model.json"), "utf8"));
    const readModelFile = (name: string): Promise<Uint8Array> => readFile(join(dirname(path("model.json")), name));
    const change = { model, readFile: readModelFile };
    const client = await byTheClient(change);
    const { job, store } = await inTheCloud(change);
    const { tensors } = await readWeights(store, job, 0);
    expect([...tensors]).toEqual([...weights]);
    expect((await readResult(store, job))?.weightsSha256).toBe(client.weightsSha256);
  });

  it("is told of as by a client", async () => {
    const desk = deskOf(new MemoryObjectStore());
    const job = await requestJob(wantedJob(path("points.csv")), desk.deps);
    expect(await prepareJob(job, desk.deps)).toBe("submitted");
    expect(desk.events).toMatchObject([
      { event: "data.ready", set: "train", rows: 34, partitions: 2 },
      { event: "data.ready", set: "validation", rows: 9 },
      { event: "job.submitted", job, engine: "compiled", executors: 2, rounds: 2, parameters: 17, resumed: false },
    ]);
    expect(desk.sent.map((body): unknown => JSON.parse(body)).at(-1)).toEqual(submitted(job));
  });

  it("is the same when its model comes as Keras writes it", async () => {
    const specs: unknown[] = [];
    for (const model of [modelJson(), denseTopology(), JSON.stringify(denseTopology())]) {
      const { deps } = deskOf(new MemoryObjectStore());
      const job = await requestJob(wantedJob(path("points.csv"), { model }), deps);
      expect(await prepareJob(job, deps)).toBe("submitted");
      const { record } = await readWeights(deps.store, job, 0);
      specs.push([await readSpec(deps.store, job), record.weightsSha256]);
    }
    expect(specs).toEqual([specs[0], specs[0], specs[0]]);
  });

  it("is the same when sharder functions bring its data", async () => {
    const data = {
      train: { ...validation, file: path("points.csv") },
      validation: { ...validation, file: path("points.csv") },
    };
    const plain = deskOf(new MemoryObjectStore());
    const expected = await requestJob(wantedJob(path("points.csv"), { data }), plain.deps);
    expect(await prepareJob(expected, plain.deps)).toBe("submitted");

    const { deps, sent } = deskOf(new MemoryObjectStore());
    const tasks: ShardTask[] = [];
    const hint = (id: JobId): Promise<void> =>
      deps.queues.driver.send(encodeMessage(DriverMessage, { version: 1, type: "prepare", job: id }));
    const start = (task: ShardTask): Promise<void> => Promise.resolve(void tasks.push(task));
    const sharding = { ...deps, files: {}, start, hint };
    const limits = { singleBytes: 0, taskBytes: 128, indexBytes: 64 };
    const byFunctions: PrepareDeps = {
      ...deps,
      requestDataset: (id, wish) => requestDataset(id, { ...wish, limits }, sharding),
    };
    const executors = { start: () => Promise.resolve() };
    const driver = { ...deps, executors, prepare: (id: JobId) => prepareJob(id, byFunctions) };
    const job = await requestJob(wantedJob(path("points.csv"), { data }), deps);
    let steps = 0;
    // Until the driver is told to look at the job: what it does then is not of interest here.
    for (let message = sent.shift(); message?.includes("prepare") === true; message = sent.shift()) {
      await handleDriverMessage(decodeMessage(DriverMessage, message, "driver"), driver);
      for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
        await handleShardMessage(task, sharding);
        steps += 1;
      }
    }
    expect(steps).toBeGreaterThan(10);
    expect(await readSpec(deps.store, job)).toEqual(await readSpec(plain.deps.store, expected));
  });

  it("is started by the driver that has prepared it", async () => {
    const desk = deskOf(new MemoryObjectStore());
    const started: TaskMessage[] = [];
    const executors = { start: (task: TaskMessage) => Promise.resolve(void started.push(task)) };
    const driver = { ...desk.deps, executors, prepare: (id: JobId) => prepareJob(id, desk.deps) };
    await requestJob(wantedJob(path("points.csv")), desk.deps);
    for (let at = 0; at < 2; at += 1) {
      await handleDriverMessage(decodeMessage(DriverMessage, desk.sent[at] ?? "", "driver"), driver);
    }
    expect(started.map(({ stage, partition }) => [stage.kind, stage.round, partition])).toEqual([
      ["train", 1, 0],
      ["train", 1, 1],
    ]);
  });
});

describe("what is wrong with a request", () => {
  const unknownLayer = modelJson({
    ...denseTopology(),
    config: { name: "m", layers: [{ class_name: "MyLayer", config: { name: "mine" } }] },
  });
  const broken = modelJson({
    ...denseTopology(),
    config: { name: "m", layers: [{ class_name: "Dense", config: { name: "d", units: "many" } }] },
  });
  const twoColumns = { columns: ["a"] };

  it.each<[string, string, () => Partial<WantedJob>]>([
    ["a layer that tfjs does not have", "model.unsupported", () => ({ model: unknownLayer })],
    ["a layer that cannot be built", "model.unsupported", () => ({ model: broken })],
    ["no topology", "model.invalid", () => ({ model: { format: "layers-model" } })],
    ["another format", "model.invalid", () => ({ model: { ...modelJson(), format: "graph-model" } })],
    [
      "an unknown loss",
      "job-file.invalid",
      () => ({ compile: { optimizer: "sgd", loss: "meanSquareError", metrics: [] } }),
    ],
    [
      "data that does not fit",
      "model.data-mismatch",
      () => ({ data: { train: { ...validation, file: path("points.csv"), features: twoColumns } } }),
    ],
    [
      "a cell that is no number",
      "data.not-a-number",
      () => ({ data: { train: { ...validation, file: path("bad.csv") } } }),
    ],
    [
      "a file that is not there",
      "data.not-readable",
      () => ({ data: { train: { ...validation, file: path("no.csv") } } }),
    ],
    ["too many executors", "data.too-few-rows", () => ({ training: { executors: 100 } })],
    [
      "a compiled engine for a model that cannot be compiled",
      "model.not-traceable",
      () => ({ engine: "compiled" as const, model: modelJson(cropped()), data: { train: sixteen() } }),
    ],
  ])("ends the job with the words that a client says: %s", async (_, code, change) => {
    const said = await byTheClient(change()).then(
      () => undefined,
      (error: unknown) => (isStampedeError(error) ? { code: error.code, message: error.message } : error),
    );
    expect(said).toMatchObject({ code });
    const { job, store } = await inTheCloud(change());
    const result = await readResult(store, job);
    expect(result?.status).toBe("failed");
    expect({ code: result?.error?.code, message: result?.error?.message }).toEqual(said);
    expect(await store.head(keys.spec(job))).toBeUndefined();
  });

  /** Its kernel CropAndResize has no lowering. */
  function cropped(): unknown {
    const layers = [
      { class_name: "Reshape", config: { name: "r", target_shape: [2, 1, 1], batch_input_shape: [null, 2] } },
      { class_name: "CenterCrop", config: { name: "crop", height: 1, width: 1 } },
      { class_name: "Flatten", config: { name: "f" } },
      { class_name: "Dense", config: { name: "d", units: 1 } },
    ];
    return { class_name: "Sequential", config: { name: "cropped", layers } };
  }

  function sixteen(): WantedJob["data"]["train"] {
    return { ...validation, file: path("points.csv") };
  }
});

describe("a preparation that is cut off", () => {
  /** What the process does after this many calls of the store, and never again. */
  function dying(calls: number, after: "before" | "after"): Faults & { readonly died: () => boolean } {
    let made = 0;
    return {
      of: () => {
        made += 1;
        if (made < calls) return undefined;
        return { kind: made === calls && after === "after" ? "unanswered" : "refused", amount: 0 };
      },
      died: () => made >= calls,
    };
  }

  const timers = { after: () => () => undefined };

  async function prepared(store: ObjectStore, faults?: Faults): Promise<unknown> {
    const desk = deskOf(store);
    const job = await requestJob(wantedJob(path("points.csv")), desk.deps);
    const faulty = faults === undefined ? store : new FaultyObjectStore(store, faults, timers);
    const dead = deskOf(faulty);
    return prepareJob(job, dead.deps).catch((error: unknown) => error);
  }

  async function contents(store: ObjectStore): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    for await (const { key } of store.list("")) {
      found.set(key, sha256Hex((await store.get(key))?.body ?? new Uint8Array()));
    }
    return found;
  }

  it.each(["before", "after"] as const)("%s any call takes effect ends in the same job", async (when) => {
    const undisturbed = new MemoryObjectStore();
    expect(await prepared(undisturbed)).toBe("submitted");
    const expected = await contents(undisturbed);
    let cut = 0;
    for (let calls = 1; ; calls += 1) {
      const store = new MemoryObjectStore();
      const faults = dying(calls, when);
      await prepared(store, faults);
      if (!faults.died()) break;
      cut += 1;
      const [job] = await requestedJobs(store);
      // Its process is another one, with other ids, and is woken as the sweeper does it.
      const next = deskOf(store, () => 2_000_000);
      const executors = { start: () => Promise.resolve() };
      const driver = { ...next.deps, executors, prepare: (id: JobId) => prepareJob(id, next.deps) };
      if (job === undefined) throw new Error("no job");
      await handleDriverMessage({ version: 1, type: "prepare", job }, driver);
      expect(next.sent.map((body): unknown => JSON.parse(body))).toEqual([submitted(job)]);
      const found = await contents(store);
      const mark = (key: string): boolean => key.startsWith(keys.preparations(job)) || key === keys.weights(job, 0);
      const facts = (all: ReadonlyMap<string, string>): [string, string][] => [...all].filter(([key]) => !mark(key));
      expect(facts(found), `cut at call ${calls}`).toEqual(facts(expected));
      const { tensors, record } = await readWeights(store, job, 0);
      const first = await readWeights(undisturbed, job, 0);
      expect([record.weightsSha256, tensors]).toEqual([first.record.weightsSha256, first.tensors]);
    }
    expect(cut).toBeGreaterThan(20);
  });

  it("by another one that was at it at the same time leaves one job", async () => {
    const store = new MemoryObjectStore();
    const desk = deskOf(store);
    const job = await requestJob(wantedJob(path("points.csv")), desk.deps);
    const others = [1, 2, 3].map(() => prepareJob(job, deskOf(store).deps));
    expect(await Promise.all(others)).toEqual(["submitted", "submitted", "submitted"]);
    const undisturbed = new MemoryObjectStore();
    await prepared(undisturbed);
    expect(await readSpec(store, job)).toEqual(await readSpec(undisturbed, job));
  });

  async function requestedJobs(store: ObjectStore): Promise<readonly JobId[]> {
    const found: JobId[] = [];
    for await (const { key } of store.list(keys.unfinished)) found.push(JobId.parse(key.slice(keys.unfinished.length)));
    return found;
  }
});
