import {
  bytesOf,
  hashTensors,
  keys,
  layoutOf,
  roundRequests,
  tensorOf,
  type DeltaMessage,
  type JobSpec,
  type NamedTensors,
  type RoundSize,
  type TrainingSettings,
} from "@stampede/core";
import { MemoryObjectStore } from "@stampede/testing";
import { exists, readResult, readRoundRecord, readWeights, splitTensors } from "@stampede/training";
import { describe, expect, it } from "vitest";
import { bigState, bigWeights } from "../../support/big-deltas.js";
import { makeJobSpec } from "../../support/job-specs.js";
import {
  ParameterServers,
  type CountedStore,
  type Delta,
  type ServersOptions,
} from "../../support/parameter-servers.js";

interface Case {
  readonly slices?: number;
  readonly training?: Partial<TrainingSettings>;
  readonly rows?: readonly number[];
  readonly rounds?: number;
  readonly initial?: NamedTensors;
  readonly deltaOf?: (partition: number, round: number) => Delta;
  readonly options?: ServersOptions;
}

const rowsOfFive = [10, 3, 0, 25, 7];
const bigDelta = (partition: number, round: number): Delta => ({
  weights: bigWeights(partition + 10 * round),
  optimizer: bigState(partition + 10 * round),
  norm: 1 + partition,
});

interface Job {
  readonly servers: ParameterServers;
  readonly spec: JobSpec;
}

async function submitted({ slices, training, rows = rowsOfFive, rounds = 1, ...others }: Case): Promise<Job> {
  const servers = new ParameterServers(others.options);
  const spec = makeJobSpec({
    partitionRows: [...rows],
    training: { epochs: rounds, ...training },
    ...(slices !== undefined && { slices }),
  });
  await servers.submit(spec, others.initial ?? bigWeights(0));
  return { servers, spec };
}

/** Rounds one after the other, each as all of its deltas are there. */
async function ran(given: Case): Promise<Job> {
  const { rounds = 1, deltaOf = bigDelta } = given;
  const job = await submitted(given);
  for (let round = 1; round <= rounds; round += 1) await train(job, round, deltaOf);
  return job;
}

async function train({ servers, spec }: Job, round: number, deltaOf = bigDelta): Promise<void> {
  for (let partition = 0; partition < spec.partitions; partition += 1) {
    servers.send(await servers.commit(spec, round, partition, deltaOf(partition, round)));
  }
  await servers.deliver();
}

async function contentOf({ servers, spec }: Job, round = 1): Promise<unknown> {
  const { record, tensors } = await readWeights(servers.store, spec.job, round);
  const { weights, optimizer } = splitTensors(tensors);
  const { contributions, metrics, validation } = record;
  const counted = contributions.map(({ partition, examples, norm }) => ({ partition, examples, norm }));
  const bits = { weights: hashTensors(weights), optimizer: hashTensors(optimizer) };
  return { ...bits, counted, metrics, validation };
}

const question = ({ spec }: Job, round = 1): DeltaMessage => ({ version: 1, type: "delta", job: spec.job, round });

describe("a round in slices has the bits of one that a single function averages", () => {
  const cases: readonly (readonly [string, Case])[] = [
    ["of deltas that are read in parts", {}],
    ["where the optimizer's state is averaged", { training: { optimizerState: "averaged" } }],
    ["where deltas are shortened", { training: { deltaNorm: { clip: 0.9 } }, rounds: 2 }],
    ["where nobody had an example", { rows: [0, 0], rounds: 2 }],
    [
      "where some have no state",
      {
        training: { optimizerState: "averaged" },
        deltaOf: (partition, round) => ({
          ...bigDelta(partition, round),
          ...(partition === 2 && { optimizer: new Map() }),
        }),
      },
    ],
    [
      "of deltas that are small and read whole",
      {
        initial: new Map([["w", tensorOf(Float32Array.of(1, 2, 3), [3])]]),
        deltaOf: (partition) => ({
          weights: new Map([["w", tensorOf(Float32Array.of(partition / 3, 1, -partition), [3])]]),
        }),
      },
    ],
  ];
  it.each(cases)("%s", async (_, given) => {
    const { rounds = 1 } = given;
    const whole = await ran(given);
    for (const slices of [2, 3, 7]) {
      const sliced = await ran({ ...given, slices });
      for (let round = 1; round <= rounds; round += 1) {
        expect(await contentOf(sliced, round)).toEqual(await contentOf(whole, round));
      }
      const record = await readRoundRecord(sliced.servers.store, sliced.spec.job, rounds);
      expect(record?.slices).toHaveLength(slices);
      const expected = await readRoundRecord(whole.servers.store, whole.spec.job, rounds);
      expect(record?.weightsSha256).toBe(expected?.weightsSha256);
    }
  });

  it("and nobody has its hash before the last round", async () => {
    const { servers, spec } = await ran({ slices: 3, rounds: 2 });
    expect((await readRoundRecord(servers.store, spec.job, 1))?.weightsSha256).toBeUndefined();
    const last = await readWeights(servers.store, spec.job, 2);
    expect(last.record.weightsSha256).toBe(hashTensors(splitTensors(last.tensors).weights));
  });

  it("also with more slices than numbers", async () => {
    const given = {
      initial: new Map([["w", tensorOf(Float32Array.of(1, 2), [2])]]),
      deltaOf: (partition: number) => ({ weights: new Map([["w", tensorOf(Float32Array.of(partition, 1), [2])]]) }),
    };
    expect(await contentOf(await ran({ ...given, slices: 9 }))).toEqual(await contentOf(await ran(given)));
  });
});

/** What was asked of the store is at most what is said of a round of this size, without what executors ask. */
function expectWithin(size: RoundSize, { counts, bytesRead }: Pick<CountedStore, "counts" | "bytesRead">): void {
  const servers = roundRequests(size).filter(({ role }) => role !== "read-weights");
  const total = (of: "gets" | "heads" | "puts" | "lists" | "bytesRead"): number =>
    servers.reduce((sum, each) => sum + each.functions * each[of], 0);
  expect(counts.get).toBeLessThanOrEqual(total("gets"));
  expect(counts.list).toBeLessThanOrEqual(total("lists"));
  expect(counts.create).toBeLessThanOrEqual(total("puts"));
  expect(counts.head).toBeLessThanOrEqual(total("heads"));
  expect(bytesRead).toBeLessThanOrEqual(total("bytesRead"));
}

describe("what a round costs", () => {
  it.each([5, 100])("that one function averages, of %i partitions", async (partitions) => {
    const deltaOf = (partition: number): Delta => ({ weights: bigWeights(partition) });
    const { servers } = await ran({ rows: Array.from({ length: partitions }, () => 10), deltaOf });
    const weightBytes = bytesOf(layoutOf(bigWeights(0)));
    expectWithin(
      { partitions, slices: 1, weightBytes, averagedBytes: 0, deltaBytes: weightBytes + 2_000 },
      servers.store,
    );
  });

  it.each([5, 100])(
    "of %i partitions: a header of each delta, and a part of each for each slice",
    async (partitions) => {
      const slices = 4;
      const deltaOf = (partition: number): Delta => ({ weights: bigWeights(partition) });
      const { servers } = await ran({ slices, rows: Array.from({ length: partitions }, () => 10), deltaOf });
      const { counts, bytesRead } = servers.store;
      const orders = servers.invocations.flat().flatMap(({ slice }) => (slice === undefined ? [] : [slice]));
      expect(new Set(orders)).toEqual(new Set([0, 1, 2, 3]));
      const weightBytes = bytesOf(layoutOf(bigWeights(0)));
      expectWithin(
        { partitions, slices, weightBytes, averagedBytes: 0, deltaBytes: weightBytes + 2_000 },
        { counts, bytesRead },
      );
      expect(counts.create).toBe(slices + 2);
      // Two blocks of which there are checksums.
      expect(servers.store.largestRead).toBeLessThanOrEqual(2 * 2 ** 18);
    },
  );

  it("one invocation averages one slice, whatever it was handed", async () => {
    const { servers } = await ran({ slices: 6 });
    const averaged = servers.store.keysRead.filter((key) => key.endsWith("slice-plan.safetensors"));
    expect(averaged.length).toBeGreaterThanOrEqual(6);
    const orders = servers.invocations.map((batch) => batch.filter(({ slice }) => slice !== undefined).length);
    expect(orders.filter((count) => count > 0)).toHaveLength(6);
  });
});

describe("a slice whose message is lost", () => {
  it("is handed out anew when the driver asks, and only that one", async () => {
    const job = await submitted({ slices: 4 });
    const { servers, spec } = job;
    for (let partition = 0; partition < spec.partitions; partition += 1) {
      servers.send(await servers.commit(spec, 1, partition, bigDelta(partition, 1)));
    }
    const isPlanned = (): boolean => servers.invocations.length === 1;
    await servers.deliver(Infinity, isPlanned);
    servers.lose();
    servers.send({ ...question(job), slice: 2 });
    await servers.deliver();
    expect(servers.toDriver).toEqual([]);
    const before = servers.invocations.length;
    servers.send(question(job));
    await servers.deliver();
    // They are given some time.
    expect(
      servers.invocations
        .slice(before)
        .flat()
        .some(({ slice }) => slice !== undefined),
    ).toBe(false);
    servers.now += 30_000;
    servers.send(question(job));
    await servers.deliver();
    const orders = servers.invocations
      .slice(before)
      .flat()
      .flatMap(({ slice }) => (slice === undefined ? [] : [slice]));
    expect(new Set(orders)).toEqual(new Set([0, 1, 3]));
    expect(servers.toDriver).toMatchObject([{ type: "look", reason: "round" }]);
    expect(await contentOf(job)).toEqual(await contentOf(await ran({})));
  });

  it("is averaged twice without harm, also at the same time", async () => {
    const job = await ran({ slices: 3, options: { environments: 3 } });
    const { servers } = job;
    const before = { ...servers.store.counts };
    for (const slice of [0, 1, 2]) servers.send({ ...question(job), slice });
    await servers.deliver();
    expect(servers.store.counts.create).toBe(before.create);
  });
});

describe("a damaged delta of a round in slices", () => {
  const stage = { kind: "train", round: 1 } as const;
  const flip = async ({ servers, spec }: Job, partition: number, at: (bytes: number) => number): Promise<void> => {
    const key = keys.output(spec.job, stage, partition);
    const found = await servers.store.inner.get(key);
    const body = Uint8Array.from(found?.body ?? []);
    const index = at(body.length);
    body[index] = (body[index] ?? 0) ^ 4;
    await servers.store.inner.replace(key, body, found?.etag ?? "");
  };

  // In the header; in a name of it, which only the seal covers; in the first, a middle and the last of the weights.
  it.each([
    ["its record", () => 300],
    ["its first number", (bytes: number) => bytes - 600_000],
    ["a number of another slice", (bytes: number) => bytes - 320_000],
  ])("in %s is found before it is averaged, made anew, and the round ends in the same bits", async (_, at) => {
    const job = await submitted({ slices: 3 });
    const { servers, spec } = job;
    const hints: DeltaMessage[] = [];
    for (let partition = 0; partition < spec.partitions; partition += 1) {
      hints.push(await servers.commit(spec, 1, partition, bigDelta(partition, 1)));
    }
    await flip(job, 3, at);
    for (const hint of hints) servers.send(hint);
    // Slices that met it try again every 15 seconds.
    await servers.deliver(servers.now + 40_000);
    expect(servers.toDriver.map(({ type }) => type)).toContain("output-damaged");
    expect(servers.toDriver).toMatchObject(
      servers.toDriver.map(() => ({ type: "output-damaged", stage, partition: 3 })),
    );
    expect(await exists(servers.store, keys.weights(spec.job, 1))).toBe(false);
    // Another attempt has another record, of another length, and the same numbers.
    servers.send(await servers.commit(spec, 1, 3, { ...bigDelta(3, 1), computeMs: 123_456.789, attemptId: "another" }));
    await servers.deliver();
    expect(servers.toDriver.at(-1)).toMatchObject({ type: "look", reason: "round" });
    expect(await contentOf(job)).toEqual(await contentOf(await ran({})));
  });

  it("that is whole, and was damaged on its way, is read again after a while", async () => {
    const store = new MemoryObjectStore();
    const get = store.get.bind(store);
    let torn = 0;
    store.get = async (key, range) => {
      const read = await get(key, range);
      const isPart = key.endsWith("deltas/00003.safetensors") && range !== undefined && range.start > 0;
      if (read === undefined || !isPart || torn === 2) return read;
      torn += 1;
      return { ...read, body: read.body.map((byte, index) => (index === 9 ? byte ^ 1 : byte)) };
    };
    const job = await ran({ slices: 3, options: { store } });
    const { servers } = job;
    expect(servers.toDriver.map(({ type }) => type)).toEqual(["output-damaged", "look"]);
    expect(await contentOf(job)).toEqual(await contentOf(await ran({})));
  });

  it("that is made anew with other numbers ends the job, once parts of it may have been averaged", async () => {
    const job = await submitted({ slices: 3 });
    const { servers, spec } = job;
    for (let partition = 0; partition < spec.partitions; partition += 1) {
      servers.send(await servers.commit(spec, 1, partition, bigDelta(partition, 1)));
    }
    await servers.deliver(Infinity, () => servers.invocations.length === 1);
    await servers.commit(spec, 1, 3, { ...bigDelta(4, 1), attemptId: "another" });
    await servers.deliver();
    expect(await readResult(servers.store, spec.job)).toMatchObject({
      status: "failed",
      error: { code: "store.corrupt" },
    });
    expect(await exists(servers.store, keys.weights(spec.job, 1))).toBe(false);
  });
});

describe("weights in slices", () => {
  it("that are not those which the round's record speaks of are refused", async () => {
    const { servers, spec } = await ran({ slices: 3 });
    const other = await ran({ slices: 3, deltaOf: (partition) => bigDelta(partition + 1, 1) });
    const key = keys.slice(spec.job, 1, 1);
    const [own, foreign] = [await servers.store.get(key), await other.servers.store.get(key)];
    await servers.store.replace(key, foreign?.body ?? new Uint8Array(), own?.etag ?? "");
    await expect(readWeights(servers.store, spec.job, 1)).rejects.toMatchObject({ code: "store.corrupt" });
  });

  it("of which one is gone are missing, with its key", async () => {
    const { servers, spec } = await ran({ slices: 3 });
    await servers.store.delete(keys.slice(spec.job, 1, 2));
    await expect(readWeights(servers.store, spec.job, 1)).rejects.toMatchObject({
      code: "store.missing",
      details: { key: keys.slice(spec.job, 1, 2) },
    });
  });
});

it("a job whose late deltas count in the next round is averaged by one function", async () => {
  const { servers, spec } = await ran({ slices: 3, training: { quorum: 0.5, lateDeltas: "merge" } });
  expect((await readRoundRecord(servers.store, spec.job, 1))?.slices).toBeUndefined();
});

it("tensors that lie otherwise than the job's weights are refused", async () => {
  const reversed = (tensors: NamedTensors): NamedTensors => new Map([...tensors].toReversed());
  const { servers, spec } = await ran({
    slices: 2,
    deltaOf: (partition) => ({ weights: partition === 1 ? reversed(bigWeights(1)) : bigWeights(partition) }),
  });
  const result = await readResult(servers.store, spec.job);
  expect(result).toMatchObject({ status: "failed", error: { code: "training.incompatible-delta" } });
  expect(result?.error?.message).toContain("deltas/00001.safetensors, in this order");
});
