import {
  deltaNorm,
  keys,
  objectHashOf,
  parseJobId,
  StampedeError,
  tensorOf,
  type JobResult,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
} from "@stampede/core";
import { MemoryObjectStore } from "@stampede/testing";
import { Executor, readDeadLetter, readFailures, readProgress, readRoundRecord, sweepJobs } from "@stampede/training";
import { describe, expect, it } from "vitest";
import { storePartitions } from "../support/datasets.js";
import { engineThat } from "../support/engine-that.js";
import { makeJobSpec } from "../support/job-specs.js";
import { World, type WorldOptions } from "../support/world.js";

const initial: NamedTensors = new Map([["w", tensorOf(Float32Array.of(0.5, -0.25), [2])]]);
const firstRound = { kind: "train", round: 1 } as const;

interface Ended {
  readonly world: World;
  readonly spec: JobSpec;
  readonly result: JobResult | undefined;
}

async function ended(
  training: Partial<JobSpec["training"]>,
  options: WorldOptions = {},
  partitionRows: readonly number[] = [20, 20, 20],
): Promise<Ended> {
  const world = new World(options);
  const { dataset } = await storePartitions(world.store, partitionRows);
  const settings = { epochs: 2, batchSize: 4, ...training };
  const spec = makeJobSpec({ dataset, partitionRows: [...partitionRows], training: settings });
  await world.submit(spec, initial);
  return { world, spec, result: await world.run(spec) };
}

describe("the length of deltas", () => {
  it("is recorded with each contribution", async () => {
    const { world, spec } = await ended({ epochs: 1 }, {}, [20]);
    const [contribution] = (await readRoundRecord(world.store, spec.job, 1))?.contributions ?? [];
    expect(contribution?.norm).toBe(deltaNorm(initial, await world.weights(spec, 1)));
  });

  it("beyond deltaNorm.max ends the job, with the figures", async () => {
    const { result } = await ended({ deltaNorm: { max: 0.5 } });
    expect(result).toMatchObject({ status: "failed", error: { code: "training.delta-too-long" } });
    expect(result?.error?.message).toMatch(/round 1 .* at most 0\.5 .* found \d\.\d+ in partition \d/);
  });

  it("is cut to deltaNorm.clip times the median: one partition cannot move the model beyond that", async () => {
    // The third partition is trained ten times as long.
    const engine = engineThat((session) => async (request) => {
      if (request.data.rows !== 21) return session.train(request);
      for (let time = 0; time < 9; time += 1) await session.train(request);
      return session.train(request);
    });
    const rows = [20, 20, 21];
    const wild = await ended({ epochs: 1 }, { engine }, rows);
    const norms = (await readRoundRecord(wild.world.store, wild.spec.job, 1))?.contributions.map(({ norm }) => norm);
    const [a = 0, b = 0, c = 0] = norms ?? [];
    const median = Math.min(Math.max(a, b), Math.max(Math.min(a, b), c));
    const clip = 0.5;
    const { world, spec } = await ended({ epochs: 1, deltaNorm: { clip } }, { engine }, rows);
    const moved = deltaNorm(initial, await world.weights(spec, 1));
    expect(moved).toBeLessThanOrEqual(clip * median * (1 + 1e-6));
    expect(deltaNorm(initial, await wild.world.weights(wild.spec, 1))).toBeGreaterThan(clip * median);
  });
});

describe("memory", () => {
  it("a task that got none is tried again frugally, in pieces of one batch, with the same bits", async () => {
    const undisturbed = await ended({});
    const pieces: number[] = [];
    const engine = engineThat((session) => (request) => {
      const batches = request.toBatch - request.fromBatch;
      pieces.push(batches);
      // What V8 throws.
      if (batches > 1) return Promise.reject(new RangeError("Array buffer allocation failed"));
      return session.train(request);
    });
    const { world, spec, result } = await ended({}, { engine });
    expect(result?.weightsSha256).toBe(undisturbed.result?.weightsSha256);
    expect(Math.max(...pieces)).toBeGreaterThan(1);
    const failed = world.events.flatMap((event) => (event.event === "task.failed" ? [event.code] : []));
    expect(failed).toEqual(["task.out-of-memory", "task.out-of-memory", "task.out-of-memory"]);
    expect(world.started.filter(({ frugal }) => frugal).map(({ stage }) => stage.round)).toEqual([1, 1, 1, 2, 2, 2]);
    expect((await readRoundRecord(world.store, spec.job, 2))?.contributions.map(({ attempt }) => attempt)).toEqual([
      1, 1, 1,
    ]);
  });

  it("that an executor used at most is part of its contribution", async () => {
    let looks = 0;
    const { world, spec } = await ended({ epochs: 1 }, { usedBytes: () => ((looks += 1) % 2 === 0 ? 500 : 7) });
    const contributions = (await readRoundRecord(world.store, spec.job, 1))?.contributions;
    expect(contributions?.map(({ memoryBytes }) => memoryBytes)).toEqual([500, 500, 500]);
  });
});

describe("a task that never succeeds", () => {
  it("ends the job at its attempt cap, with a dead letter that has every reason", async () => {
    let tries = 0;
    const engine = engineThat(() => () => Promise.reject(new StampedeError("engine.failed", `try ${(tries += 1)}`)));
    const { world, spec, result } = await ended({ maxAttempts: 3 }, { engine }, [20]);
    expect(result).toMatchObject({ status: "failed", error: { code: "engine.failed" } });
    const letter = await readDeadLetter(world.store, spec.job);
    expect(letter).toMatchObject({ partition: 0, attempts: tries, stage: firstRound });
    expect(letter?.failures.map(({ error }) => error.message)).toEqual(
      Array.from({ length: tries }, (_, index) => expect.stringContaining(`try ${index + 1}`)),
    );
  });
});

describe("signs of life", () => {
  it("are moved on while a task makes progress, and say how far it is", async () => {
    // Four seconds pass with every look at the clock.
    const { world, spec } = await ended({ epochs: 1, backups: false }, { msPerLook: 4000 }, [40]);
    const [sign] = await readProgress(world.store, spec.job, firstRound);
    expect(sign).toMatchObject({ partition: 0, attempt: 1, totalExamples: 40 });
    expect(sign?.examples).toBeGreaterThan(0);
    expect(sign?.longestPieceMs).toBeGreaterThanOrEqual(4000);
  });

  it("that are damaged are none, and a damaged failure record still says that its attempt failed", async () => {
    const { world, spec } = await ended({});
    const bad = Uint8Array.of(1, 2, 3);
    await world.store.create(keys.progress(spec.job, firstRound, 7, "a7"), bad);
    await world.store.create(keys.failure(spec.job, firstRound, 2, 1), bad);
    await world.store.create(keys.damage(spec.job, firstRound, 1, 3, objectHashOf("an etag")), bad);
    expect((await readProgress(world.store, spec.job, firstRound)).some(({ partition }) => partition === 7)).toBe(
      false,
    );
    expect(await readFailures(world.store, spec.job, firstRound)).toMatchObject([
      { partition: 2, attempt: 1, error: { code: "store.corrupt", retryable: true } },
      {
        partition: 1,
        attempt: 3,
        damagedObject: objectHashOf("an etag"),
        error: { code: "task.output-damaged", retryable: true },
      },
    ]);
  });

  it("that cannot be written fail no task", async () => {
    const store = new MemoryObjectStore();
    const create = store.create.bind(store);
    store.create = (key, body) =>
      key.includes("/progress/") ? Promise.reject(new StampedeError("store.unavailable", "no")) : create(key, body);
    expect((await ended({}, { store, msPerLook: 4000 })).result?.status).toBe("succeeded");
  });
});

describe("a delta that decays", () => {
  it("is done again even when its attempt was reported as failed for another reason", async () => {
    const undisturbed = await ended({});
    const world = new World();
    const { dataset } = await storePartitions(world.store, [20, 20, 20]);
    const spec = makeJobSpec({ dataset, partitionRows: [20, 20, 20], training: { epochs: 2, batchSize: 4 } });
    await world.submit(spec, initial);
    await world.run(spec, () => world.started.length === 3);
    const key = keys.output(spec.job, firstRound, 1);
    await world.run(spec, () => world.events.some(({ event }) => event === "task.finished"));
    const [task] = world.started.filter(({ partition }) => partition === 1);
    if (task === undefined) throw new Error("no task");
    const error = { code: "store.unavailable", message: "its hint was lost", retryable: true } as const;
    await world.store.create(key, Uint8Array.of(1, 2, 3));
    world.tell({ version: 1, type: "invocation-failed", task, error });
    const result = await world.run(spec);
    expect(result).toMatchObject({ status: "succeeded", weightsSha256: undisturbed.result?.weightsSha256 });
    const failures = await readFailures(world.store, spec.job, firstRound);
    expect(failures.map((failure) => failure.error.code)).toEqual(["store.unavailable", "task.output-damaged"]);
  });
});

describe("an executor that is no longer needed", () => {
  it("stops when another attempt has committed the output", async () => {
    const world = new World({ msPerLook: 1000 });
    const { dataset } = await storePartitions(world.store, [400]);
    const spec = makeJobSpec({ dataset, partitionRows: [400], training: { epochs: 1, batchSize: 4 } });
    await world.submit(spec, initial);
    await world.run(spec, () => world.started.length === 1);
    const [task] = world.started;
    if (task === undefined) throw new Error("no task");
    let batches = 0;
    const engine = engineThat((session) => async (request) => {
      batches += request.toBatch - request.fromBatch;
      // The other one ends now.
      if (batches > 10) await new Executor(world.deps).run({ ...task, attemptId: "other" });
      return session.train(request);
    });
    await new Executor({ ...world.deps, engine: () => Promise.resolve(engine) }).run({ ...task, attempt: 2 });
    expect(batches).toBeLessThan(100);
    expect(await world.run(spec)).toMatchObject({ status: "succeeded" });
  });
});

describe("the sweeper", () => {
  const due = { type: "look", reason: "sweep" };
  const swept = async (world: World): Promise<readonly unknown[]> => {
    const sent: unknown[] = [];
    const queue = { send: (body: string) => Promise.resolve(void sent.push(JSON.parse(body))) };
    await sweepJobs({ ...world.deps, queues: { driver: queue, deltas: queue } });
    return sent;
  };
  const submitted = async (store?: ObjectStore) => {
    const world = new World({ ...(store && { store }), startsAfter: () => 1e9 });
    const { dataset } = await storePartitions(world.store, [10]);
    const training = { epochs: 1, taskTimeoutSeconds: 60, backups: false } as const;
    const spec = makeJobSpec({ dataset, partitionRows: [10], training });
    await world.submit(spec, initial);
    return { world, spec };
  };

  it("wakes the driver of a job that nobody has looked at, and of one whose timer was lost", async () => {
    const { world, spec } = await submitted();
    expect(await swept(world)).toMatchObject([{ ...due, job: spec.job }]);
    await world.run(spec, () => world.started.length === 1);
    expect(await swept(world)).toEqual([]);
    for (let second = 0; second < 90; second += 1) world.crash();
    const [hint] = await swept(world);
    expect(hint).toMatchObject({ ...due, job: spec.job, timerAt: expect.any(Number) });
  });

  it("looks at the other jobs also when the head of one is damaged, which its driver then ends by name", async () => {
    const { world, spec } = await submitted();
    const broken = makeJobSpec({ job: parseJobId("a-broken-job"), dataset: spec.dataset, partitionRows: [10] });
    await world.submit(broken, initial);
    await world.store.create(keys.head(broken.job), Uint8Array.of(1, 2, 3));
    expect(await swept(world)).toMatchObject([
      { ...due, job: broken.job },
      { ...due, job: spec.job },
    ]);
    expect(await world.run(broken)).toMatchObject({ status: "failed", error: { code: "store.corrupt" } });
  });

  it("forgets jobs that have ended, and leaves alone what is being submitted", async () => {
    const { world, result } = await ended({});
    expect(result?.status).toBe("succeeded");
    const marks = async (): Promise<readonly string[]> => {
      const found: string[] = [];
      for await (const { key } of world.store.list(keys.unfinished)) found.push(key);
      return found;
    };
    expect(await marks()).toEqual([]);
    const other = makeJobSpec().job;
    await world.store.create(keys.unfinishedJob(other), new Uint8Array());
    expect(await swept(world)).toEqual([]);
    expect(await marks()).toEqual([]);
    await world.store.create(`${keys.unfinished}being-submitted`, new Uint8Array());
    expect(await swept(world)).toEqual([]);
    expect(await marks()).toEqual([`${keys.unfinished}being-submitted`]);
  });
});
