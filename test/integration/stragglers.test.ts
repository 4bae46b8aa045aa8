import {
  decodeTensorRecord,
  DeltaRecord,
  keys,
  tensorOf,
  type JobSpec,
  type NamedTensors,
  type TaskMessage,
} from "@stampede/core";
import { readClose, readRetries, readRoundRecord } from "@stampede/training";
import { describe, expect, it } from "vitest";
import { storePartitions } from "../support/datasets.js";
import { makeJobSpec } from "../support/job-specs.js";
import { World, type WorldOptions } from "../support/world.js";

const initial: NamedTensors = new Map([["w", tensorOf(Float32Array.of(0.5, -0.25), [2])]]);
const partitionRows = [10, 17, 3, 8];

async function ran(
  training: Partial<JobSpec["training"]>,
  options: WorldOptions = {},
): Promise<{ world: World; spec: JobSpec }> {
  const world = new World(options);
  const { dataset } = await storePartitions(world.store, partitionRows);
  const spec = makeJobSpec({ dataset, partitionRows, training: { epochs: 4, batchSize: 4, ...training } });
  await world.submit(spec, initial);
  expect((await world.run(spec))?.status).toBe("succeeded");
  return { world, spec };
}

/** The executor of partition 2 begins its first attempt of round 3 so much later. */
const lateInRoundThree = (ms: number) => ({
  startsAfter: ({ stage, partition, attempt }: TaskMessage) =>
    stage.round === 3 && partition === 2 && attempt === 1 ? ms : 0,
});

async function deltaOf({ world, spec }: Awaited<ReturnType<typeof ran>>, round: number, partition: number) {
  const key = keys.output(spec.job, { kind: "train", round }, partition);
  const object = await world.store.get(key);
  return decodeTensorRecord(DeltaRecord, object?.body ?? new Uint8Array(), key);
}

const dataOf = (tensors: NamedTensors): readonly number[] => [...(tensors.get("w")?.data ?? [])];

describe("a straggler", () => {
  it("is overtaken by a second attempt, and the result has the same bits", async () => {
    const undisturbed = await ran({});
    const job = await ran({}, lateInRoundThree(600_000));
    expect(await job.world.weights(job.spec, 4)).toEqual(await undisturbed.world.weights(undisturbed.spec, 4));
    const record = await readRoundRecord(job.world.store, job.spec.job, 3);
    expect(record?.contributions.map(({ attempt }) => attempt)).toEqual([1, 1, 2, 1]);
    const [retry, ...others] = await readRetries(job.world.store, job.spec.job, { kind: "train", round: 3 });
    expect(retry).toMatchObject({ partition: 2, attempt: 2, why: "slow" });
    expect(others).toEqual([]);
    expect(job.world.events).toContainEqual(expect.objectContaining({ event: "task.retried", why: "slow" }));
  });

  it("delays its round by the slack only", async () => {
    const { world } = await ran({}, lateInRoundThree(600_000));
    const rounds = world.events.flatMap((event) => (event.event === "round.finished" ? [event.wallMs] : []));
    expect(rounds).toEqual([0, 0, 40, 0]);
  });
});

describe("a round with a quorum", () => {
  const training = { quorum: 0.75, optimizerState: "carried" } as const;

  it("ends without the straggler's delta, which is discarded: the mean is that of the others", async () => {
    const job = await ran(training, lateInRoundThree(600_000));
    const close = await readClose(job.world.store, job.spec.job, 3);
    expect(close?.partitions).toEqual([0, 1, 3]);
    const record = await readRoundRecord(job.world.store, job.spec.job, 3);
    expect(record?.contributions.map(({ partition }) => partition)).toEqual([0, 1, 3]);
    const deltas = await Promise.all([0, 1, 3].map((partition) => deltaOf(job, 3, partition)));
    const rows = deltas.reduce((sum, delta) => sum + delta.record.examples, 0);
    const mean = [0, 1].map((index) =>
      Math.fround(
        deltas.reduce((sum, { record: { examples }, tensors }) => sum + examples * (dataOf(tensors)[index] ?? 0), 0) /
          rows,
      ),
    );
    expect(dataOf(await job.world.weights(job.spec, 3))).toEqual(mean);
    // Its optimizer goes on from the last state that it had committed.
    expect((await readRoundRecord(job.world.store, job.spec.job, 4))?.contributions).toHaveLength(4);
  });

  it("merges a late delta into the next round, once, with 1/sqrt(2) of its weight", async () => {
    // It comes while round 4 waits for the same partition.
    const startsAfter = ({ stage, partition, attempt }: TaskMessage): number => {
      if (partition !== 2 || attempt > 1) return 0;
      return stage.round === 3 ? 50 : stage.round === 4 ? 20 : 0;
    };
    const job = await ran({ ...training, lateDeltas: "merge" }, { startsAfter });
    const record = await readRoundRecord(job.world.store, job.spec.job, 4);
    expect(record?.contributions.map(({ partition, lateFrom }) => [partition, lateFrom])).toEqual([
      [0, undefined],
      [1, undefined],
      [2, undefined],
      [3, undefined],
      [2, 3],
    ]);
    const base = dataOf(await job.world.weights(job.spec, 2));
    const onto = dataOf(await job.world.weights(job.spec, 3));
    const late = await deltaOf(job, 3, 2);
    const parts = await Promise.all([0, 1, 2, 3].map((partition) => deltaOf(job, 4, partition)));
    const weighted = [
      ...parts.map(({ record: { examples }, tensors }) => ({ weight: examples, values: dataOf(tensors) })),
      {
        weight: late.record.examples * Math.SQRT1_2,
        values: dataOf(late.tensors).map((value, i) => Math.fround((onto[i] ?? 0) - ((base[i] ?? 0) - value))),
      },
    ];
    const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
    const mean = [0, 1].map(
      (i) => weighted.reduce((sum, { weight, values }) => sum + weight * (values[i] ?? 0), 0) / total,
    );
    const found = dataOf(await job.world.weights(job.spec, 4));
    for (const [i, value] of mean.entries()) expect(found[i]).toBeCloseTo(value, 6);
  });

  it("waits for nobody where all are in time: the same bits as without a quorum", async () => {
    const [plain, job] = [await ran({}), await ran(training)];
    expect(await job.world.weights(job.spec, 4)).toEqual(await plain.world.weights(plain.spec, 4));
    expect(await readClose(job.world.store, job.spec.job, 3)).toBeUndefined();
  });
});
