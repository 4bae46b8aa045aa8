import {
  CheckpointRecord,
  decodeTensorRecord,
  keys,
  StampedeError,
  tensorOf,
  type Engine,
  type EngineSession,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
  type TaskMessage,
} from "@stampede/core";
import { MemoryObjectStore, tinyEngine } from "@stampede/testing";
import { Executor, readFailures, readHead, readRoundRecord } from "@stampede/training";
import { describe, expect, it } from "vitest";
import { storePartitions } from "../support/datasets.js";
import { makeJobSpec } from "../support/job-specs.js";
import { sameStore } from "../support/same-store.js";
import { World, type WorldOptions } from "../support/world.js";

const initial: NamedTensors = new Map([["w", tensorOf(Float32Array.of(0.5, -0.25), [2])]]);
const firstRound = { kind: "train", round: 1 } as const;
/** Ten batches. */
const rows = 40;

async function submitted(
  training: Partial<JobSpec["training"]>,
  options: WorldOptions = {},
  kind: JobSpec["kind"] = "train",
): Promise<{ readonly world: World; readonly spec: JobSpec }> {
  const world = new World(options);
  const { dataset } = await storePartitions(world.store, [rows]);
  const settings = { epochs: 1, batchSize: 4, backups: false, ...training };
  const spec = makeJobSpec({ kind, dataset, partitionRows: [rows], training: settings });
  await world.submit(spec, initial);
  return { world, spec };
}

async function uncutWeights(): Promise<string | undefined> {
  const { world, spec } = await submitted({});
  return (await world.run(spec))?.weightsSha256;
}

/** The first attempt of the only task, in a world in which the driver has started it and nobody has done anything yet. */
async function startedTask(world: World, spec: JobSpec): Promise<TaskMessage> {
  await world.run(spec, () => world.started.length === 1);
  const [task] = world.started;
  if (task === undefined) throw new Error("no task");
  // What is to happen now the test says.
  world.crash();
  return task;
}

async function checkpointsIn({ store }: World, { job }: JobSpec): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(keys.checkpoints(job, 1))) found.push(key);
  return found;
}

/** Tells of every batch before it is trained; what that throws the engine throws. */
function engineWith(before: (batch: number) => void): Engine {
  return {
    name: "tfjs-cpu",
    open: async (model) => {
      const session = await tinyEngine.open(model);
      const train: EngineSession["train"] = async (request) => {
        for (let batch = request.fromBatch; batch < request.toBatch; batch += 1) before(batch);
        return session.train(request);
      };
      return {
        load: (weights, optimizer) => session.load(weights, optimizer),
        train,
        evaluate: (range) => session.evaluate(range),
        predict: (range) => session.predict(range),
        save: () => session.save(),
        close: () => session.close(),
      };
    },
  };
}

interface Calls {
  readonly store: ObjectStore;
  readonly heads: string[];
  readonly lists: string[];
}

/** A store that writes down what executors ask. */
function recordingStore(): Calls {
  const inner = sameStore(new MemoryObjectStore());
  const heads: string[] = [];
  const lists: string[] = [];
  const store: ObjectStore = {
    ...inner,
    head: (key) => {
      heads.push(key);
      return inner.head(key);
    },
    list: (prefix) => {
      lists.push(prefix);
      return inner.list(prefix);
    },
  };
  return { store, heads, lists };
}

describe("a checkpoint", () => {
  it("is kept every checkpointSeconds: what crashes later goes on from it", async () => {
    const trained: number[] = [];
    const engine = engineWith((batch) => {
      if (batch === 7 && !trained.includes(7)) {
        trained.push(7);
        throw new StampedeError("engine.failed", "It died.");
      }
      trained.push(batch);
    });
    const training = { checkpointSeconds: 0.7 };
    const { world, spec } = await submitted(training, { engine, msPerLook: 100 });
    const result = await world.run(spec);
    expect(result).toMatchObject({ status: "succeeded", weightsSha256: await uncutWeights() });
    const [first, ...others] = trained.slice(trained.indexOf(7) + 1);
    expect(first).toBeGreaterThan(2);
    expect([first, ...others]).toEqual(Array.from({ length: 10 - (first ?? 0) }, (_, n) => n + (first ?? 0)));
    expect((await readHead(world.store, spec.job))?.head.tasks.failures).toEqual([1]);
    const [contribution] = (await readRoundRecord(world.store, spec.job, 1))?.contributions ?? [];
    expect(contribution).toMatchObject({ examples: rows, attempt: 2 });
    // The work of both attempts.
    expect(contribution?.computeMs).toBeGreaterThan(10 * 100);
  });

  it("is not kept by a task that ends before, and a first attempt does not ask for one", async () => {
    const { store, lists } = recordingStore();
    const { world, spec } = await submitted({}, { store });
    const task = await startedTask(world, spec);
    lists.length = 0;
    await new Executor(world.deps).run(task);
    expect(lists).toEqual([]);
    expect(await checkpointsIn(world, spec)).toEqual([]);
  });

  it("that is damaged is passed over for the one before, and mended when its place is reached again", async () => {
    const { world, spec } = await submitted({ checkpointSeconds: 0.3 }, { msPerLook: 100 });
    const task = await startedTask(world, spec);
    await new Executor(world.deps).run(task, { until: world.deps.clock.now() + 5_000 });
    const kept = await checkpointsIn(world, spec);
    expect(kept.length).toBeGreaterThan(2);
    const last = kept.at(-1) ?? "";
    const whole = await world.store.get(last);
    const body = whole?.body.slice() ?? new Uint8Array();
    body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
    await world.store.replace(last, body, whole?.etag ?? "");
    expect(await world.run(spec)).toMatchObject({ status: "succeeded", weightsSha256: await uncutWeights() });
    const mended = decodeTensorRecord(CheckpointRecord, (await world.store.get(last))?.body ?? body, last);
    expect(mended).toEqual({
      record: expect.objectContaining({ attempt: 2, partition: 0, round: 1 }),
      tensors: decodeTensorRecord(CheckpointRecord, whole?.body ?? body, last).tensors,
    });
  });

  it("whose writer died before it could say so serves the next attempt all the same", async () => {
    const { world, spec } = await submitted({}, { msPerLook: 100 });
    const task = await startedTask(world, spec);
    const { store, ...others } = world.deps;
    const silent = {
      ...sameStore(store),
      create: (key: string, body: Uint8Array | AsyncIterable<Uint8Array>) =>
        key.includes("/failures/") ? Promise.reject(new Error("gone")) : store.create(key, body),
    };
    const dying = new Executor({ ...others, store: silent });
    await expect(dying.run(task, { until: world.deps.clock.now() + 4_000 })).rejects.toThrow("gone");
    expect(await checkpointsIn(world, spec)).toHaveLength(1);
    const error = { code: "task.timed-out", message: "gone", retryable: true } as const;
    world.tell({ version: 1, type: "invocation-failed", task, error });
    expect(await world.run(spec)).toMatchObject({ status: "succeeded", weightsSha256: await uncutWeights() });
    expect((await readHead(world.store, spec.job))?.head.tasks).toMatchObject({ attempts: [2], failures: [1] });
  });

  it("is not made of what is no number: the job ends at once, as after a whole task", async () => {
    const engine = engineWith(() => undefined);
    const spoilt: Engine = {
      ...engine,
      open: async (model) => {
        const session = await engine.open(model);
        const weights = new Map([["w", tensorOf(Float32Array.of(Number.NaN, 1), [2])]]);
        return { ...session, save: async () => ({ ...(await session.save()), weights }) };
      },
    };
    const { world, spec } = await submitted({ checkpointSeconds: 0.1 }, { engine: spoilt, msPerLook: 100 });
    expect(await world.run(spec)).toMatchObject({ status: "failed", error: { code: "training.non-finite" } });
    expect(await checkpointsIn(world, spec)).toEqual([]);
  });
});

describe("an attempt without enough time", () => {
  it("that cannot train a single batch has failed, until its attempts are used up", async () => {
    const options = { msPerLook: 100, invocationMs: () => 600 };
    const { world, spec } = await submitted({ maxAttempts: 2 }, options);
    const result = await world.run(spec);
    expect(result).toMatchObject({ status: "failed", error: { code: "task.timed-out" } });
    expect(result?.error?.message).toMatch(
      /to train at least one batch in the time of its invocation .*more executors/,
    );
    expect(world.started).toHaveLength(2);
    expect(await readFailures(world.store, spec.job, firstRound)).toHaveLength(2);
    expect(await checkpointsIn(world, spec)).toEqual([]);
  });

  it.each(["evaluate", "predict"] as const)("to %s cannot be continued, and says what helps", async (kind) => {
    const options = { msPerLook: 100, invocationMs: () => 600 };
    const { world, spec } = await submitted({ maxAttempts: 1 }, options, kind);
    const result = await world.run(spec);
    expect(result).toMatchObject({ status: "failed", error: { code: "task.timed-out" } });
    expect(result?.error?.message).toContain(`to ${kind} 40 rows in the time of its invocation`);
    expect(result?.error?.message).toMatch(/found time for 0\..* use more executors/);
  });

  it("is no failure for whoever asks for failures", async () => {
    const { world, spec } = await submitted({}, { msPerLook: 100, invocationMs: () => 4_000 });
    expect(await world.run(spec)).toMatchObject({ status: "succeeded" });
    expect(world.started.length).toBeGreaterThan(1);
    expect(await readFailures(world.store, spec.job, firstRound)).toEqual([]);
    expect(world.events.filter(({ event }) => event === "task.failed")).toEqual([]);
    const told = world.events.filter(({ event }) => event === "task.retried");
    expect(told).toHaveLength(world.started.length - 1);
    expect(told).toContainEqual(expect.objectContaining({ why: "continued" }));
  });
});

describe("how often a busy executor asks whether it is needed", () => {
  it.each([
    [undefined, 2_000],
    [500, 500],
    [100_000, Infinity],
  ])("is up to its composition root: stopCheckMs %s", async (stopCheckMs, expected) => {
    const { store, heads } = recordingStore();
    const { world, spec } = await submitted({ frequency: "fit", epochs: 6 }, { store, msPerLook: 100 });
    const task = await startedTask(world, spec);
    heads.length = 0;
    const deps = { ...world.deps, ...(stopCheckMs !== undefined && { stopCheckMs }) };
    const began = deps.clock.now();
    await new Executor(deps).run(task);
    const asked = heads.filter((key) => key === keys.cancel(spec.job)).length;
    const tookMs = deps.clock.now() - began;
    // Also across the ends of epochs.
    expect(asked).toBeLessThanOrEqual(tookMs / expected);
    expect(asked).toBeGreaterThanOrEqual(Math.floor(tookMs / (expected + 1_000)) - 1);
  });
});
