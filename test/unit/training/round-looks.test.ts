import { keys, tensorOf, type DeltaMessage, type JobSpec, type NamedTensors } from "@stampede/core";
import { fc, test } from "@fast-check/vitest";
import { exists, readRoundRecord, readWeights } from "@stampede/training";
import { describe, expect, it } from "vitest";
import { makeJobSpec } from "../../support/job-specs.js";
import { ParameterServers, type ServersOptions } from "../../support/parameter-servers.js";

const initial: NamedTensors = new Map([["w", tensorOf(Float32Array.of(0.5, -0.25, 1), [3])]]);
const durationMs = 5_000;

function weightsOf(partition: number): NamedTensors {
  return new Map([["w", tensorOf(Float32Array.of(partition, 1 / (partition + 1), -partition), [3])]]);
}

interface Played {
  readonly servers: ParameterServers;
  readonly spec: JobSpec;
  /** How long after the last hint the round was committed. */
  readonly lateMs: number;
}

/** A round whose deltas come in, evenly, over five seconds. */
async function played(partitions: number, options: ServersOptions = {}): Promise<Played> {
  const servers = new ParameterServers(options);
  const spec = makeJobSpec({ partitionRows: Array.from({ length: partitions }, (_, index) => 10 + (index % 7)) });
  await servers.submit(spec, initial);
  const began = servers.now;
  for (let index = 0; index < partitions; index += 1) {
    // Not in the order of partitions.
    const partition = (index * 7 + 3) % partitions;
    await servers.deliver(began + (durationMs * (index + 1)) / partitions - 1);
    servers.now = began + (durationMs * (index + 1)) / partitions;
    servers.send(await servers.commit(spec, 1, partition, { weights: weightsOf(partition) }));
  }
  const last = servers.now;
  await servers.deliver(Infinity, () => servers.toDriver.length > 0);
  const lateMs = servers.now - last;
  await servers.deliver();
  return { servers, spec, lateMs };
}

describe.each([4, 64, 1_000])("a round of %i partitions", (partitions) => {
  it("costs one environment at most one list a second, reads each delta once, and loses no time", async () => {
    const { servers, spec, lateMs } = await played(partitions);
    expect(lateMs).toBe(0);
    const { list, get, head, create } = servers.store.counts;
    expect(list).toBeLessThanOrEqual(1 + durationMs / 1_000);
    expect(head).toBeLessThanOrEqual(5 + durationMs / 1_000);
    expect(get).toBeLessThanOrEqual(partitions + 5);
    expect(create).toBe(1);
    expect((await readRoundRecord(servers.store, spec.job, 1))?.contributions).toHaveLength(partitions);
  });

  it.each([2, 4, 10])("costs %i environments lists by the second and reads by the delta", async (environments) => {
    const { servers, spec, lateMs } = await played(partitions, { environments });
    expect(lateMs).toBeLessThanOrEqual(1_000);
    const { list, get, create } = servers.store.counts;
    // Each may look once a second, and so may whoever is handed the message that makes up for a look left out.
    expect(list).toBeLessThanOrEqual(2 * environments * (2 + durationMs / 1_000));
    expect(get).toBeLessThanOrEqual(3 * partitions + 10 * environments);
    expect(create).toBeLessThanOrEqual(environments);
    const alone = await played(partitions);
    const weights = async ({ servers: { store } }: Played): Promise<NamedTensors> =>
      (await readWeights(store, spec.job, 1)).tensors;
    expect(await weights({ servers, spec, lateMs })).toEqual(await weights(alone));
  });
});

describe("a round whose deltas come in at once", () => {
  it.each([64, 1_000])("costs one warm environment a single list (%i partitions)", async (partitions) => {
    const servers = new ParameterServers();
    const spec = makeJobSpec({ partitionRows: Array.from({ length: partitions }, () => 10) });
    await servers.submit(spec, initial);
    for (let partition = 0; partition < partitions; partition += 1) {
      servers.send(await servers.commit(spec, 1, partition, { weights: weightsOf(partition) }));
    }
    await servers.deliver();
    expect(servers.toDriver).toHaveLength(1);
    expect(servers.store.counts).toMatchObject({ list: 1, create: 1 });
    expect(servers.store.counts.get).toBeLessThanOrEqual(partitions + 3);
    expect(servers.store.counts.head).toBeLessThanOrEqual(4);
  });
});

describe("hints", () => {
  test.prop([
    fc.array(fc.nat({ max: 3 }), { minLength: 20, maxLength: 60 }),
    fc.array(fc.nat({ max: 400 }), { minLength: 12, maxLength: 12 }),
    fc.integer({ min: 1, max: 4 }),
  ])(
    "end the round at most a second after the last one, whoever is handed which",
    async (choices, pauses, batchSize) => {
      const servers = new ParameterServers({
        environments: 4,
        batchSize,
        pick: (batch) => choices[batch % choices.length] ?? 0,
      });
      const spec = makeJobSpec({ partitionRows: pauses.map(() => 10) });
      await servers.submit(spec, initial);
      for (const [partition, pause] of pauses.entries()) {
        servers.send(await servers.commit(spec, 1, partition, { weights: weightsOf(partition) }));
        await servers.deliver(servers.now + pause);
      }
      const last = servers.now;
      await servers.deliver(Infinity, () => servers.toDriver.length > 0);
      expect(servers.now - last).toBeLessThanOrEqual(1_000);
      expect(await exists(servers.store, keys.weights(spec.job, 1))).toBe(true);
    },
  );

  it("that claim what is not there end no job: the round waits for what is", async () => {
    const servers = new ParameterServers();
    const spec = makeJobSpec({ partitionRows: [10, 10] });
    await servers.submit(spec, initial);
    const first = await servers.commit(spec, 1, 0, { weights: weightsOf(0) });
    const key = keys.output(spec.job, { kind: "train", round: 1 }, 1);
    servers.send(first);
    servers.send({ ...first, claim: { key, etag: '"7"', bytes: 7 } });
    await servers.deliver();
    expect(servers.toDriver).toEqual([]);
    expect(await exists(servers.store, keys.result(spec.job))).toBe(false);
    servers.send(await servers.commit(spec, 1, 1, { weights: weightsOf(1) }));
    await servers.deliver();
    expect((await readRoundRecord(servers.store, spec.job, 1))?.contributions).toHaveLength(2);
  });

  it("that were lost are made up for by the driver's question", async () => {
    const servers = new ParameterServers();
    const spec = makeJobSpec({ partitionRows: [10, 10, 10] });
    await servers.submit(spec, initial);
    servers.send(await servers.commit(spec, 1, 0, { weights: weightsOf(0) }));
    await servers.deliver();
    await servers.commit(spec, 1, 1, { weights: weightsOf(1) });
    await servers.commit(spec, 1, 2, { weights: weightsOf(2) });
    const question: DeltaMessage = { version: 1, type: "delta", job: spec.job, round: 1 };
    servers.send(question);
    await servers.deliver();
    expect(servers.toDriver).toHaveLength(1);
    // It is answered every time: the hint that told the driver may be the one that was lost.
    servers.send(question);
    await servers.deliver();
    expect(servers.toDriver).toHaveLength(2);
  });

  it("that come late cost nothing once the driver was told", async () => {
    const servers = new ParameterServers();
    const spec = makeJobSpec({ partitionRows: [10, 10] });
    await servers.submit(spec, initial);
    const hints = [
      await servers.commit(spec, 1, 0, { weights: weightsOf(0) }),
      await servers.commit(spec, 1, 1, { weights: weightsOf(1) }),
    ];
    for (const hint of hints) servers.send(hint);
    await servers.deliver();
    const before = { ...servers.store.counts };
    for (const hint of hints) servers.send(hint);
    await servers.deliver();
    expect(servers.store.counts).toEqual(before);
  });
});
