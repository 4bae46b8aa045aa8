import { bytesOf, groupsIn, hashTensors, keys, layoutOf, tensorOf, type NamedTensors } from "@stampede/core";
import { readResult, readRoundRecord, readWeights, splitTensors } from "@stampede/training";
import { describe, expect, it } from "vitest";
import { bigWeights } from "../../support/big-deltas.js";
import type { Delta } from "../../support/parameter-servers.js";
import { bigDelta, contentOf, ordersOf, ran, smallDelta, type Case } from "../../support/sliced-jobs.js";

/** One part a slice, some parts a slice, and some parts of a single slice. */
const slicings = [{ slices: 2, parts: 6 }, { slices: 3 }, { slices: 7 }, { slices: 1, parts: 3 }] as const;
/** Two groups, of which the second one is small; and three, of which nobody in the second one has an example. */
const rowsOfTwo = Array.from({ length: 70 }, (_, index) => index % 7);
const rowsOfThree = Array.from({ length: 130 }, (_, index) => (index >= 64 && index < 128 ? 0 : 1 + (index % 3)));

describe("a round that several functions average has the bits of one that a single function averages", () => {
  const cases: readonly (readonly [string, Case])[] = [
    ["of deltas that are read in parts", {}],
    ["of two groups", { rows: rowsOfTwo, rounds: 2 }],
    ["of a group where nobody had an example", { rows: rowsOfThree, training: { optimizerState: "averaged" } }],
    ["where the optimizer's state is averaged", { training: { optimizerState: "averaged" } }],
    [
      "where the optimizer's state of two groups is averaged",
      { rows: rowsOfTwo, training: { optimizerState: "averaged" } },
    ],
    ["where deltas are shortened", { training: { deltaNorm: { clip: 0.9 } }, rounds: 2 }],
    [
      "where deltas of two groups are shortened",
      { rows: rowsOfTwo, training: { deltaNorm: { clip: 0.9 } }, rounds: 2 },
    ],
    ["where nobody had an example", { rows: [0, 0], rounds: 2 }],
    ["where nobody of two groups had one", { rows: rowsOfTwo.map(() => 0), rounds: 2 }],
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
      { initial: smallDelta(1).weights, deltaOf: smallDelta, rows: rowsOfTwo },
    ],
  ];
  it.each(cases)("%s", async (_, given) => {
    const { rounds = 1 } = given;
    const whole = await ran(given);
    const isOfMany = (given.rows?.length ?? 0) > 64;
    for (const slicing of isOfMany ? slicings.slice(0, 2) : slicings) {
      const sliced = await ran({ ...given, ...slicing });
      for (let round = 1; round <= rounds; round += 1) {
        expect(await contentOf(sliced, round)).toEqual(await contentOf(whole, round));
      }
      const record = await readRoundRecord(sliced.servers.store, sliced.spec.job, rounds);
      expect(record?.slices).toHaveLength(slicing.slices);
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

  it.each([{ slices: 9 }, { slices: 3, parts: 9 }])("also with more parts than numbers: %o", async (slicing) => {
    const given = {
      initial: new Map([["w", tensorOf(Float32Array.of(1, 2), [2])]]),
      deltaOf: (partition: number) => ({ weights: new Map([["w", tensorOf(Float32Array.of(partition, 1), [2])]]) }),
    };
    expect(await contentOf(await ran({ ...given, ...slicing }))).toEqual(await contentOf(await ran(given)));
  });

  it.each([2, 5])("also where %i environments share the work", async (environments) => {
    const given = { rows: rowsOfTwo };
    const sliced = await ran({ ...given, slices: 2, parts: 6, options: { environments } });
    expect(await contentOf(sliced)).toEqual(await contentOf(await ran(given)));
  });
});

describe("what a round costs", () => {
  const weightBytes = bytesOf(layoutOf(bigWeights(0)));
  const headerBytes = 16_384;
  const blockBytes = 2 ** 18;
  const deltaOf = (partition: number): Delta => ({ weights: bigWeights(partition % 8) });
  const rows = (partitions: number): readonly number[] => Array.from({ length: partitions }, () => 10);

  it.each([5, 130])("that one function averages, of %i partitions: a read of each delta", async (partitions) => {
    const { counts, bytesRead } = (await ran({ rows: rows(partitions), deltaOf })).servers.store;
    expect(counts.get).toBeLessThanOrEqual(partitions + 3);
    expect(bytesRead).toBeLessThanOrEqual((partitions + 1) * (weightBytes + 2_000));
    expect(counts.create).toBe(1);
    expect(counts.list).toBeLessThanOrEqual(1);
    expect(counts.head).toBeLessThanOrEqual(3);
  });

  it.each([5, 64, 130])(
    "of %i partitions: a header of each delta, and a part of each for each part",
    async (partitions) => {
      const [slices, parts] = [2, 4];
      const job = await ran({ slices, parts, rows: rows(partitions), deltaOf });
      const { counts, bytesRead, largestRead } = job.servers.store;
      const groups = groupsIn(partitions);
      const sums = groups === 1 ? 0 : groups * parts;
      const functions = groups * parts;
      expect(ordersOf(job)).toHaveLength(functions);
      expect(new Set(ordersOf(job).map(({ kind }) => kind))).toEqual(new Set([groups === 1 ? "part" : "sum"]));
      // Plans, sums, parts, slices, and the round's record.
      expect(counts.create).toBe(groups + sums + parts + slices + 1);
      expect(counts.list).toBe(0);
      // Headers; each delta's parts; plans by those who make parts of them; sums, parts, and what the record is made of.
      const most = partitions + parts * partitions + functions + sums + parts + 2 * slices + groups + 5;
      expect(counts.get).toBeLessThanOrEqual(most);
      // One question a hint, a handful an order, and for the siblings of what it made some more.
      expect(counts.head).toBeLessThanOrEqual(2 * partitions + functions * (4 + 2 * Math.log(groups + slices)) + 20);
      const twice = 2;
      expect(bytesRead).toBeLessThanOrEqual(
        partitions * (headerBytes + parts * blockBytes * twice) +
          (groups + 2) * twice * weightBytes +
          functions * 2 * headerBytes,
      );
      // Two blocks of which there are checksums, or a whole small object.
      expect(largestRead).toBeLessThanOrEqual(Math.max(2 * blockBytes, 1.1 * weightBytes));
    },
  );

  it("one invocation makes one part, whatever it was handed", async () => {
    const { servers, spec } = await ran({ slices: 6 });
    const orders = servers.invocations.map((batch) => batch.filter(({ make }) => make !== undefined).length);
    const made = servers.store.keysRead.filter((key) => key === keys.groupPlan(spec.job, 1, 0));
    expect(orders.filter((count) => count > 0).length).toBeGreaterThanOrEqual(6);
    expect(made.length).toBeLessThanOrEqual(7);
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
  expect(result?.error?.message).toContain("deltas/0000/00001.safetensors, in this order");
});
