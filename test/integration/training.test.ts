import {
  CancelRecord,
  decodeTensorRecord,
  DeltaRecord,
  encodeRecord,
  keys,
  randomUint32,
  resolveMetrics,
  StampedeError,
  tensorOf,
  type JobSpec,
  type NamedTensors,
  type ObjectStore,
} from "@stampede/core";
import { decodePredictions, loadPartition } from "@stampede/data";
import { MemoryObjectStore, tinyEngine } from "@stampede/testing";
import { readFailures, readRoundRecord } from "@stampede/training";
import { describe, expect, it } from "vitest";
import { storePartitions } from "../support/datasets.js";
import { makeJobSpec } from "../support/job-specs.js";
import { World, type WorldOptions } from "../support/world.js";

const initial: NamedTensors = new Map([["w", tensorOf(Float32Array.of(0.5, -0.25), [2])]]);

type Overrides = Parameters<typeof makeJobSpec>[0];

async function submitted(
  partitionRows: readonly number[],
  overrides: Overrides = {},
  options: WorldOptions = {},
): Promise<{ world: World; spec: JobSpec }> {
  const world = new World(options);
  const manifest = await storePartitions(world.store, partitionRows);
  const spec = makeJobSpec({ dataset: manifest.dataset, ...overrides, partitionRows: [...partitionRows] });
  await world.submit(spec, initial);
  return { world, spec };
}

async function weightsOf(partitionRows: readonly number[], overrides: Overrides): Promise<NamedTensors> {
  const { world, spec } = await submitted(partitionRows, overrides);
  const result = await world.run(spec);
  expect(result?.status).toBe("succeeded");
  return world.weights(spec, result?.round ?? 0);
}

describe("a training job over the ports", () => {
  it("learns, and reports every contribution once", async () => {
    const { world, spec } = await submitted([40, 41], { training: { epochs: 5, batchSize: 8 } });
    const result = await world.run(spec);
    expect(result).toMatchObject({ status: "succeeded", round: 5 });
    expect(result?.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
    const record = await readRoundRecord(world.store, spec.job, 5);
    expect(record?.contributions.map(({ partition, examples }) => [partition, examples])).toEqual([
      [0, 40],
      [1, 41],
    ]);
    expect(resolveMetrics(result?.metrics ?? {})["loss"]).toBeLessThan(0.01);
    const [a = 0, b = 0] = (await world.weights(spec, 5)).get("w")?.data ?? [];
    expect(a).toBeCloseTo(2, 1);
    expect(b).toBeCloseTo(-3, 1);
  });

  it("averages executors with 1, 5, 70 and no rows by their samples", async () => {
    const { world, spec } = await submitted([1, 5, 70, 0], { training: { epochs: 1, batchSize: 4 } });
    expect((await world.run(spec))?.status).toBe("succeeded");
    let sum = [0, 0];
    for (const partition of [0, 1, 2, 3]) {
      const key = keys.output(spec.job, { kind: "train", round: 1 }, partition);
      const object = await world.store.get(key);
      const { record, tensors } = decodeTensorRecord(DeltaRecord, object?.body ?? new Uint8Array(), key);
      expect(record.examples).toBe([1, 5, 70, 0][partition]);
      const after = tensors.get("w")?.data ?? [];
      sum = sum.map((value, i) => value + record.examples * (after[i] ?? Number.NaN));
    }
    const mean = Float32Array.from(sum, (value) => value / 76);
    expect((await world.weights(spec, 1)).get("w")?.data).toEqual(mean);
  });

  it("one executor equals the engine alone, bit for bit", async () => {
    const { world, spec } = await submitted([33], { training: { epochs: 3, batchSize: 8, shuffle: false } });
    const result = await world.run(spec);
    const session = await tinyEngine.open(spec.model);
    await session.load(initial);
    const manifest = await storePartitions(world.store, [33]);
    const data = await loadPartition(world.store, manifest, 0);
    const order = Uint32Array.from({ length: 33 }, (_, row) => row);
    for (let epoch = 0; epoch < 3; epoch += 1) {
      await session.train({ data, order, batchSize: 8, fromBatch: 0, toBatch: 5, randomKey: 0 });
    }
    const alone = await session.save();
    expect((await world.weights(spec, result?.round ?? 0)).get("w")).toEqual(alone.weights.get("w"));
  });

  it("with one executor the frequency changes nothing, because its optimizer state is carried", async () => {
    const of = (frequency: JobSpec["training"]["frequency"]) =>
      weightsOf([33], { training: { epochs: 2, batchSize: 8, frequency } });
    const byEpoch = (await of("epoch")).get("w");
    for (const frequency of ["fit", "batch", { steps: 2 }] as const) {
      expect((await of(frequency)).get("w")).toEqual(byEpoch);
    }
  });

  it("an executor that stays warm computes the same bits as one that remembers nothing", async () => {
    for (const optimizerState of ["carried", "averaged", "reset"] as const) {
      const training = { epochs: 4, batchSize: 4, optimizerState };
      const [warm, cold] = [
        await submitted([9, 30], { training }, { warm: true }),
        await submitted([9, 30], { training }),
      ];
      const [one, other] = [await warm.world.run(warm.spec), await cold.world.run(cold.spec)];
      expect(one?.status).toBe("succeeded");
      expect(one?.weightsSha256).toBe(other?.weightsSha256);
    }
  });

  it("optimizer state can be averaged or reset, and each choice has its own result", async () => {
    const of = async (optimizerState: JobSpec["training"]["optimizerState"]) =>
      (await weightsOf([9, 30], { training: { epochs: 3, batchSize: 4, optimizerState } })).get("w")?.data;
    const results = [await of("carried"), await of("averaged"), await of("reset")];
    expect(new Set(results.map(String)).size).toBe(3);
    expect(await of("averaged")).toEqual(results[1]);
  });

  it("validates the weights of every round, the last ones in a stage of their own", async () => {
    const world = new World();
    const train = await storePartitions(world.store, [20, 20]);
    const validation = await storePartitions(world.store, [7, 0]);
    const spec = makeJobSpec({
      dataset: train.dataset,
      validation: validation.dataset,
      partitionRows: [20, 20],
      training: { epochs: 2, batchSize: 4 },
    });
    await world.submit(spec, initial);
    const result = await world.run(spec);
    expect(result?.validation?.["loss"]?.sums[1]).toBe(7);
    expect((await readRoundRecord(world.store, spec.job, 1))?.validation).toBeUndefined();
    expect((await readRoundRecord(world.store, spec.job, 2))?.validation?.["loss"]?.sums[1]).toBe(7);
  });
});

describe("under disturbance", () => {
  const training = { epochs: 4, batchSize: 8, taskTimeoutSeconds: 60, maxAttempts: 5 };
  const partitionRows = [10, 17, 3];

  it.each(Array.from({ length: 30 }, (_, seed) => [seed]))(
    "reordered, doubled and lost messages change no bit (seed %i)",
    async (seed) => {
      const undisturbed = await weightsOf(partitionRows, { training });
      let draws = 0;
      const draw = (range: number): number => randomUint32(seed, draws++) % range;
      let losses = 12;
      const { world, spec } = await submitted(
        partitionRows,
        { training },
        {
          pick: draw,
          fateOf: ({ to }) => {
            const fate = draw(6);
            if (fate === 0 && to === "executor" && losses-- > 0) return "lose";
            if (fate === 0 && to === "deltas" && losses-- > 0) return "lose";
            return fate === 1 ? "double" : "deliver";
          },
        },
      );
      const result = await world.run(spec);
      expect(result?.status).toBe("succeeded");
      expect(await world.weights(spec, 4)).toEqual(undisturbed);
    },
  );

  it("a crash after any step, then a resume, ends in the same bits", async () => {
    const undisturbed = await weightsOf(partitionRows, { training });
    for (let crashAfter = 0; crashAfter < 40; crashAfter += 1) {
      const { world, spec } = await submitted(partitionRows, { training });
      let steps = 0;
      await world.run(spec, () => steps++ >= crashAfter);
      world.crash();
      await world.resume(spec);
      const result = await world.run(spec);
      expect(result?.status, `crash after ${crashAfter} steps`).toBe("succeeded");
      expect(await world.weights(spec, 4)).toEqual(undisturbed);
    }
  });

  it("a reported crash of an executor is recorded and its task tried again", async () => {
    const { world, spec } = await submitted(partitionRows, { training });
    await world.run(spec, () => world.started.length === 3);
    const task = world.started[1];
    if (task === undefined) throw new Error("no task");
    const error = { code: "task.crashed", message: "killed", retryable: true } as const;
    world.tell({ version: 1, type: "invocation-failed", task, error });
    const result = await world.run(spec);
    expect(result?.status).toBe("succeeded");
    expect(world.events.filter(({ event }) => event === "task.failed")).toHaveLength(1);
    expect(await world.weights(spec, 4)).toEqual(await weightsOf(partitionRows, { training }));
  });
});

describe("jobs that cannot go on", () => {
  const training = { epochs: 3, batchSize: 8, maxAttempts: 2 };

  it("a loss that is not finite stops the job with its round, partition and likely causes", async () => {
    const hopeless: NamedTensors = new Map([["w", tensorOf(Float32Array.of(3e38, 3e38), [2])]]);
    const world = new World();
    const manifest = await storePartitions(world.store, [10, 10]);
    const spec = makeJobSpec({ dataset: manifest.dataset, partitionRows: [10, 10], training });
    await world.submit(spec, hopeless);
    const result = await world.run(spec);
    expect(result).toMatchObject({ status: "failed", error: { code: "training.non-finite" } });
    expect(result?.error?.message).toMatch(/round 1, partition \d, .*Likely causes: a learning rate/s);
    expect(world.started).toHaveLength(2);
  });

  it("a damaged delta is never averaged: its task is done again, and the result has the same bits", async () => {
    const undisturbed = await weightsOf([10, 10], { training });
    const { world, spec } = await submitted([10, 10], { training });
    const key = keys.output(spec.job, { kind: "train", round: 2 }, 1);
    const taken = await world.store.create(key, new TextEncoder().encode("not a delta"));
    expect(taken).not.toBe("conflict");
    expect((await world.run(spec))?.status).toBe("succeeded");
    expect(await world.weights(spec, 3)).toEqual(undisturbed);
    const [failure] = await readFailures(world.store, spec.job, { kind: "train", round: 2 });
    expect(failure).toMatchObject({ partition: 1, attempt: 1, error: { code: "task.output-damaged" } });
    expect(failure?.error.message).toContain(key);
    expect((await readRoundRecord(world.store, spec.job, 2))?.contributions[1]?.attempt).toBe(2);
  });

  it("a delta of another round is refused, although it is whole", async () => {
    const { world, spec } = await submitted([10, 10], { training });
    await world.run(spec, () => world.events.some(({ event }) => event === "round.finished"));
    const first = await world.store.get(keys.output(spec.job, { kind: "train", round: 1 }, 1));
    const key = keys.output(spec.job, { kind: "train", round: 3 }, 1);
    await world.store.create(key, first?.body ?? new Uint8Array());
    const result = await world.run(spec);
    expect(result?.error?.message).toMatch(/to be of job job-1, round 3, partition 1.*found job job-1, round 1/);
  });

  it("a partition file that is not the manifest's fails the task, then the job", async () => {
    const { world, spec } = await submitted([10, 10], { training });
    await world.store.delete(keys.part(spec.dataset, 1));
    await world.store.create(keys.part(spec.dataset, 1), new Uint8Array(100));
    const result = await world.run(spec);
    expect(result).toMatchObject({ status: "failed", error: { code: "store.corrupt" } });
    expect(result?.error?.message).toContain(keys.part(spec.dataset, 1));
  });

  it("a cancel ends the job, and whatever was under way changes nothing", async () => {
    const { world, spec } = await submitted([10, 10], { training });
    await world.run(spec, () => world.started.length === 4);
    const record = { version: 1, job: spec.job, requestedAt: 0 } as const;
    await world.store.create(keys.cancel(spec.job), encodeRecord(CancelRecord, record));
    const result = await world.run(spec);
    expect(result?.status).toBe("cancelled");
    expect(await world.store.head(keys.weights(spec.job, 3))).toBeUndefined();
  });

  it("an executor that is lost every time uses up its attempts", async () => {
    const lost = {
      fateOf: (event: { readonly to: string }) => (event.to === "executor" ? "lose" : "deliver"),
    } as const;
    const { world, spec } = await submitted([10], { training: { ...training, taskTimeoutSeconds: 60 } }, lost);
    const result = await world.run(spec);
    expect(result).toMatchObject({ status: "failed", error: { code: "task.timed-out" } });
    expect(world.started).toHaveLength(2);
  });
});

describe("evaluate and predict jobs", () => {
  it("merge exactly what partitions of any size found", async () => {
    const sums = async (partitionRows: readonly number[]) => {
      const { world, spec } = await submitted(partitionRows, { kind: "evaluate" });
      return (await world.run(spec))?.metrics["loss"]?.sums;
    };
    const [loss = 0, rows = 0] = (await sums([1, 5, 0, 70])) ?? [];
    expect(rows).toBe(76);
    expect(loss).toBeGreaterThan(0);
  });

  it("bind every prediction to its row", async () => {
    const { world, spec } = await submitted([3, 0, 2], { kind: "predict" });
    expect((await world.run(spec))?.status).toBe("succeeded");
    const rows: number[] = [];
    for (const partition of [0, 1, 2]) {
      const key = keys.output(spec.job, { kind: "predict", round: 0 }, partition);
      const object = await world.store.get(key);
      const predicted = decodePredictions(object?.body ?? new Uint8Array(), key);
      const count = predicted.outputs[0]?.shape[0] ?? 0;
      rows.push(...Array.from({ length: count }, (_, index) => predicted.firstRow + index));
    }
    expect(rows).toEqual([0, 1, 2, 3, 4]);
  });
});

describe("a full disk", () => {
  /** A store that has no room for objects of a kind, until there is. */
  function shortOfRoom(ending: string): { readonly store: ObjectStore; full: boolean } {
    const inner = new MemoryObjectStore();
    const state = { full: false, store: inner };
    const create = inner.create.bind(inner);
    inner.create = (key, body) =>
      state.full && key.endsWith(ending)
        ? Promise.reject(new StampedeError("store.full", `no room for ${key}`))
        : create(key, body);
    return state;
  }

  it.each(["deltas/0000/00001.safetensors", "000002/weights.safetensors"])(
    "suspends the job without a result when %s does not fit, and a resume ends in the same bits",
    async (ending) => {
      const training = { epochs: 3, batchSize: 8 };
      const undisturbed = await weightsOf([10, 10], { training });
      const place = shortOfRoom(ending);
      const { world, spec } = await submitted([10, 10], { training }, { store: place.store });
      await world.run(spec, () => world.events.some(({ event }) => event === "round.finished"));
      place.full = true;
      await expect(world.run(spec)).rejects.toMatchObject({ code: "store.full" });
      expect(await world.store.head(keys.result(spec.job))).toBeUndefined();
      place.full = false;
      world.crash();
      await world.resume(spec);
      expect((await world.run(spec))?.status).toBe("succeeded");
      expect(await world.weights(spec, 3)).toEqual(undisturbed);
    },
  );
});
