import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FactsLog, train, type Cluster } from "@stampede/client";
import {
  CheckpointRecord,
  decodeTensorRecord,
  DeltaRecord,
  encodeTensorRecord,
  JobFile,
  keys,
  type Block,
  type JobEvent,
  type JobSpec,
  type ObjectStore,
} from "@stampede/core";
import { readRoundRecord } from "@stampede/training";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Attic } from "../support/garbage.js";
import { kernelEngine } from "../support/kernel-engine.js";
import { sameStore } from "../support/same-store.js";
import { storeCluster } from "../support/store-cluster.js";
import type { World } from "../support/world.js";

const file = JobFile.parse({
  name: "job",
  model: "./model.js",
  data: { train: { format: "builtin", name: "digits" } },
  training: {},
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stampede-fleet-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The same store, which writes down what is read. */
function noting(store: ObjectStore): { readonly store: ObjectStore; readonly read: string[] } {
  const read: string[] = [];
  const get: ObjectStore["get"] = (key, range) => {
    read.push(key);
    return store.get(key, range);
  };
  return { store: { ...sameStore(store), get }, read };
}

function roundsIn({ events }: World): number {
  return events.filter(({ event }) => event === "round.finished").length;
}

interface Moved {
  readonly told: readonly JobEvent[];
  /** Keys of what was read before the job went on. */
  readonly readBefore: readonly string[];
}

/** What is told to whoever goes on with a job after a crash. */
async function resumed({ store: stored }: Attic, world: World, spec: JobSpec): Promise<Moved> {
  world.crash();
  const { store, read } = noting(stored);
  let readBefore: readonly string[] = [];
  const cluster: Cluster = {
    ...storeCluster(store),
    run: async () => {
      readBefore = [...read];
      await world.resume(spec);
      await world.run(spec);
    },
  };
  const told: JobEvent[] = [];
  const onEvent = (event: JobEvent): void => void told.push(event);
  const model = { type: "file", path: "nowhere" } as const;
  await train({ job: file, model, baseFolder: ".", cluster, out: folder, resume: spec.job, onEvent });
  return { told, readBefore };
}

describe("a job of four rounds that is moved after the third one", () => {
  it.each<readonly [Block | undefined, Block | undefined, number[], number[]]>([
    [16, undefined, [16], [16, 0]],
    [undefined, 8, [0], [8, 0]],
    [undefined, undefined, [0], [0]],
  ])("from kernels %s to %s tells those of all its rounds", async (before, after, known, all) => {
    const attic = new Attic();
    let kernels = before;
    const engine = kernelEngine(() => kernels);
    const { world, spec } = await attic.submit("a-job", { training: { epochs: 4, batchSize: 8 } }, { engine });
    await world.run(spec, () => roundsIn(world) === 3);
    kernels = after;
    const { told, readBefore } = await resumed(attic, world, spec);
    expect(told.map(({ event }) => event)).toEqual(["job.submitted", "job.succeeded"]);
    expect(told[0]).toMatchObject({ resumed: true, blocks: known });
    expect(told[1]).toMatchObject({ blocks: all });
    // Nothing is asked of each round: there may be thousands.
    expect(readBefore).not.toContain(keys.weights(spec.job, 1));
    // Whoever comes later hears of each round, or of all of them in the last word.
    const finished = async (log: FactsLog): Promise<unknown[]> =>
      (await log.look(attic.now)).flatMap((event) => (event.event === "round.finished" ? [event.blocks] : []));
    const [first, last] = [before, after].map((block) => block && [block]);
    expect(await finished(new FactsLog(attic.store, spec.job, "beginning"))).toEqual([first, first, first, last]);
    const late = new FactsLog(attic.store, spec.job, { afterRound: 3 });
    expect(await finished(late)).toEqual([last]);
    expect(await late.lastWord()).toMatchObject({ event: "job.succeeded", blocks: all });
  });
});

it("a job that goes on before its first round has ended tells of no kernels", async () => {
  const attic = new Attic();
  const { world, spec } = await attic.submit("a-job", { training: { epochs: 1, batchSize: 8 } });
  await world.run(spec, () => world.started.length > 0);
  const { told } = await resumed(attic, world, spec);
  expect(told[0]).toMatchObject({ event: "job.submitted", resumed: true });
  expect(told[0]).not.toHaveProperty("blocks");
});

it("an executor that has nothing to train makes no other kind of fleet", async () => {
  const attic = new Attic();
  const engine = kernelEngine(() => 16);
  const { world, spec } = await attic.submit("a-job", { partitionRows: [10, 0] }, { engine });
  expect(await world.run(spec)).toMatchObject({ status: "succeeded" });
  const told = world.events.flatMap((event) => (event.event === "round.finished" ? [event.blocks] : []));
  expect(told).toEqual([[16], [16]]);
});

describe("a task of which each attempt goes on on another processor", () => {
  /** One task of ten batches that needs several attempts, which have these kernels one after the other; all others have the last ones. */
  async function submitted(...kernels: readonly (Block | undefined)[]): Promise<{ world: World; spec: JobSpec }> {
    const started = (): number => made.world.started.length;
    const engine = kernelEngine(() => kernels[Math.min(started(), kernels.length) - 1]);
    const training = { epochs: 1, batchSize: 4, backups: false };
    const options = { engine, msPerLook: 100, invocationMs: () => 4_000 };
    const made = await new Attic().submit("a-job", { partitionRows: [40], training }, options);
    return made;
  }

  /** What the delta, the round's record and its event say. */
  async function told({ events, store }: World, { job }: JobSpec): Promise<readonly unknown[]> {
    const key = keys.output(job, { kind: "train", round: 1 }, 0);
    const delta = decodeTensorRecord(DeltaRecord, (await store.get(key))?.body ?? new Uint8Array(), key);
    const record = await readRoundRecord(store, job, 1);
    const finished = events.flatMap((event) => (event.event === "round.finished" ? [event.blocks] : []));
    return [delta.record.blocks, record?.contributions[0]?.blocks, ...finished];
  }

  it.each<readonly [readonly (Block | undefined)[], number[] | undefined]>([
    [
      [16, undefined],
      [16, 0],
    ],
    [
      [undefined, 16],
      [16, 0],
    ],
    [
      [8, 16, undefined],
      [16, 8, 0],
    ],
    [[16, 16], [16]],
    [[undefined, undefined], undefined],
  ])("kernels %j: says all of them", async (kernels, expected) => {
    const { world, spec } = await submitted(...kernels);
    expect(await world.run(spec)).toMatchObject({ status: "succeeded" });
    expect(world.started.length).toBeGreaterThanOrEqual(kernels.length);
    expect(await told(world, spec)).toEqual([expected, expected, expected]);
  });

  it("from a checkpoint of an earlier version, which does not say: says those that it knows", async () => {
    const { world, spec } = await submitted(undefined, 16);
    await world.run(spec, () => world.started.length === 2);
    const key = await onlyKey(world.store, keys.checkpoints(spec.job, 1));
    const kept = await world.store.get(key);
    const { record, tensors } = decodeTensorRecord(CheckpointRecord, kept?.body ?? new Uint8Array(), key);
    expect(record.blocks).toEqual([0]);
    const { blocks: _, ...older } = record;
    await world.store.replace(key, encodeTensorRecord(CheckpointRecord, older, tensors), kept?.etag ?? "");
    expect(await world.run(spec)).toMatchObject({ status: "succeeded" });
    expect(await told(world, spec)).toEqual([[16], [16], [16]]);
  });
});

async function onlyKey(store: ObjectStore, prefix: string): Promise<string> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key);
  expect(found).toHaveLength(1);
  return found[0] ?? "";
}
