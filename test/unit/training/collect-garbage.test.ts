import {
  decodeRecord,
  encodeRecord,
  FailureRecord,
  HistoryRecord,
  JobSpec,
  keys,
  parseJobId,
  type JobId,
  StampedeError,
  type ObjectInfo,
  type ObjectStore,
} from "@stampede/core";
import { commitResult, handleDeltaMessages, readHead, readHistoryRecord, readWeights } from "@stampede/training";
import { describe, expect, it } from "vitest";
import { storePartitions } from "../../support/datasets.js";
import { Attic, dayMs, dyingStore } from "../../support/garbage.js";

const job = parseJobId("a-job");
const training = { epochs: 5, batchSize: 8 };
const nothing = new Uint8Array();

async function infosIn(attic: Attic, prefix: string): Promise<readonly ObjectInfo[]> {
  const infos: ObjectInfo[] = [];
  for await (const info of attic.store.list(prefix)) infos.push(info);
  return infos;
}

/** Keys of a job without the job's folder. */
async function left(attic: Attic, of: JobId = job): Promise<readonly string[]> {
  return (await attic.keys(keys.job(of))).map((key) => key.slice(keys.job(of).length));
}

async function ended(attic: Attic, name = "a-job") {
  const { world, spec } = await attic.submit(name, { training });
  expect((await world.run(spec))?.status).toBe("succeeded");
  return spec;
}

/** The job keeps a checkpoint after every piece of work. */
const keeping = { training: { ...training, batchSize: 2, checkpointSeconds: 0.001 } };

/** The rounds of which there are checkpoints. */
async function checkpointed(attic: Attic): Promise<ReadonlySet<number>> {
  const found = (await left(attic)).map((key) => /^rounds\/(\d+)\/checkpoints\//.exec(key)?.[1]);
  return new Set(found.flatMap((round) => (round === undefined ? [] : [Number(round)])));
}

describe("work that is not finished", () => {
  it("is removed with its job's end", async () => {
    const attic = new Attic();
    const { world, spec } = await attic.submit("a-job", keeping, { msPerLook: 100 });
    expect((await world.run(spec))?.status).toBe("succeeded");
    expect(await checkpointed(attic)).toEqual(new Set([1, 2, 3, 4, 5]));
    const { removed } = await attic.collect();
    expect(removed.checkpoints?.objects).toBeGreaterThan(10);
    expect(await checkpointed(attic)).toEqual(new Set());
  });

  it.each([1, 0.5])(
    "of an unfinished job is kept in the round that goes on, and in no other: quorum %s",
    async (quorum) => {
      const attic = new Attic();
      const { world, spec } = await attic.submit(
        "a-job",
        { training: { ...keeping.training, quorum } },
        { msPerLook: 100 },
      );
      // One task of the third round has ended, the other one has not.
      await world.run(spec, () => world.events.filter(({ event }) => event === "task.finished").length === 5);
      const { stage } = (await readHead(attic.store, spec.job))?.head ?? {};
      expect(stage).toEqual({ kind: "train", round: 3 });
      expect(await checkpointed(attic)).toEqual(new Set([1, 2, 3]));
      const before = (await left(attic)).filter((key) => key.startsWith("rounds/000003/"));
      await attic.collect();
      expect(await checkpointed(attic)).toEqual(new Set([3]));
      expect((await left(attic)).filter((key) => key.startsWith("rounds/000003/"))).toEqual(before);
      expect((await world.run(spec))?.status).toBe("succeeded");
    },
  );

  it("of the last round is removed when only an evaluation is left", async () => {
    const attic = new Attic();
    const { dataset } = await storePartitions(attic.store, [10, 17]);
    const { world, spec } = await attic.submit("a-job", { ...keeping, validation: dataset }, { msPerLook: 100 });
    await world.run(spec, () => world.started.at(-1)?.stage.kind === "evaluate");
    expect(await checkpointed(attic)).toEqual(new Set([1, 2, 3, 4, 5]));
    await attic.collect();
    expect(await checkpointed(attic)).toEqual(new Set());
    expect((await world.run(spec))?.status).toBe("succeeded");
  });
});

describe("an ended job", () => {
  it("keeps its records, the weights of its result and the history of its rounds", async () => {
    const attic = new Attic();
    const spec = await ended(attic);
    const report = await attic.collect();
    expect(await left(attic)).toEqual([
      "head.json",
      "history.json",
      "result.json",
      "rounds/000005/weights.safetensors",
      "spec.json",
    ]);
    expect(report.removed).toMatchObject({
      deltas: { objects: 10 },
      weights: { objects: 5 },
      progress: { objects: 10 },
    });
    const body = (await attic.store.get(keys.history(job)))?.body ?? nothing;
    const { rounds } = decodeRecord(HistoryRecord, body, "history");
    expect(rounds.map(({ round, contributions }) => [round, contributions.length])).toEqual(
      [1, 2, 3, 4, 5].map((round) => [round, spec.partitions]),
    );
    expect((await attic.collect()).removed).toEqual({});
  });

  it("keeps the slices of its result's weights, and no others", async () => {
    const attic = new Attic();
    const { world, spec } = await attic.submit("a-job", { training, slices: 3, parts: 6 });
    await world.run(spec);
    const before = await readWeights(attic.store, job, 5);
    await attic.collect();
    expect(await left(attic)).toEqual([
      "head.json",
      "history.json",
      "result.json",
      "rounds/000005/slices/00000/slice.safetensors",
      "rounds/000005/slices/00001/slice.safetensors",
      "rounds/000005/slices/00002/slice.safetensors",
      "rounds/000005/weights.safetensors",
      "spec.json",
    ]);
    expect(await readWeights(attic.store, job, 5)).toEqual(before);
    expect((await attic.collect()).removed).toEqual({});
  });

  it("keeps what explains its failures, and the last weights where there is no result", async () => {
    const attic = new Attic();
    const { world, spec } = await attic.submit("a-job", { training });
    await world.run(spec, () => world.started.length > 6);
    const stage = { kind: "train", round: 2 } as const;
    const error = { code: "task.crashed", message: "gone", retryable: true } as const;
    const failure = { version: 1, job, stage, partition: 0, attempt: 1, failedAt: 1, error } as const;
    await attic.store.create(keys.failure(job, stage, 0, 1), encodeRecord(FailureRecord, failure));
    const end = { version: 1, job, token: "t", endedAt: attic.now, round: 0, metrics: {} } as const;
    await commitResult(attic.store, { ...end, status: "cancelled" });
    await attic.collect();
    expect(await left(attic)).toEqual([
      "head.json",
      "history.json",
      "result.json",
      "rounds/000002/failures/train/00000-001.json",
      "rounds/000003/weights.safetensors",
      "spec.json",
    ]);
  });

  it.each(["evaluate", "predict"] as const)("that was to %s keeps its records", async (kind) => {
    const attic = new Attic();
    const { world, spec } = await attic.submit("a-job", { kind });
    attic.now = 2_000_000;
    expect((await world.run(spec))?.status).toBe("succeeded");
    await attic.collect();
    const soon = kind === "evaluate" ? [] : ["00000", "00001"].map((part) => `rounds/000000/predictions/${part}.arrow`);
    // Whoever ran the prediction may still be reading it.
    expect(await left(attic)).toEqual(["head.json", "result.json", ...soon, "spec.json"]);
    attic.now += dayMs;
    await attic.collect();
    expect(await left(attic)).toEqual(["head.json", "result.json", "spec.json"]);
  });

  it("keeps the graphs that are saved with a model of the user's own parts, and no others", async () => {
    for (const custom of [true, false]) {
      const attic = new Attic();
      const names = [...(custom ? (["predict"] as const) : []), "evaluate", "train-8"] as const;
      const graphs = names.map((name) => ({ name, bytes: 1, sha256: "a".repeat(64) }));
      const { world, spec } = await attic.submit("a-job", { training, graphs });
      for (const name of names) await attic.store.create(keys.graph(job, name), nothing);
      await world.run(spec);
      await attic.collect();
      const kept = (await left(attic)).filter((key) => key.startsWith("graph/"));
      expect(kept).toEqual(custom ? ["graph/evaluate.onnx", "graph/predict.onnx"] : []);
    }
  });

  it("is removed whole when it is old enough, with its data set", async () => {
    const attic = new Attic();
    await ended(attic);
    const { world, spec } = await attic.submit("running", {
      training: { ...training, seed: 1 },
      partitionRows: [9, 4],
    });
    await world.run(spec, () => world.started.length > 6);
    attic.now += 20 * dayMs;
    expect((await attic.collect({ jobsOlderThanMs: 21 * dayMs + attic.now })).jobs).toEqual([]);
    const report = await attic.collect({ jobsOlderThanMs: 20 * dayMs });
    expect(report.jobs).toEqual([job]);
    expect(await left(attic)).toEqual([]);
    expect(await attic.datasets()).toEqual(new Set([spec.dataset]));
    expect((await left(attic, spec.job)).includes("spec.json")).toBe(true);
    expect((await attic.collect({ jobsOlderThanMs: 20 * dayMs })).removed).toEqual({});
  });

  it("that is removed whole is there as it was, or is none, whenever the removal is cut short", async () => {
    for (let calls = 0; ; calls += 1) {
      const attic = new Attic();
      await ended(attic);
      attic.now += 20 * dayMs;
      const before = await left(attic);
      const dies = attic.collect({ jobsOlderThanMs: dayMs }, dyingStore(attic.store, calls)).then(
        () => false,
        () => true,
      );
      const died = await dies;
      const after = await left(attic);
      if (after.includes("spec.json")) expect(after).toEqual(before);
      await attic.collect({ jobsOlderThanMs: dayMs });
      expect(await attic.keys()).toEqual([]);
      if (!died) return;
    }
  });
});

describe("an unfinished job", () => {
  it("keeps what the round under way and the one before need", async () => {
    const attic = new Attic();
    const { world, spec } = await attic.submit("a-job", { training });
    await world.run(spec, () => world.started.length > 6);
    expect((await readHead(attic.store, job))?.head.stage.round).toBe(4);
    const report = await attic.collect({ minAgeMs: 0 });
    expect(report.removed).toMatchObject({ deltas: { objects: 4 }, progress: { objects: 4 } });
    const rounds = (await left(attic)).filter((key) => key.includes("deltas"));
    expect(rounds.map((key) => key.split("/")[1])).toEqual(["000003", "000003"]);
    expect((await left(attic)).filter((key) => key.endsWith("weights.safetensors"))).toHaveLength(4);
    expect(await attic.keys(keys.unfinished)).toEqual([keys.unfinishedJob(job)]);
  });

  it("that ends after it was listed is looked at by the next run, when all of its rounds are listed", async () => {
    const attic = new Attic();
    const { world, spec } = await attic.submit("a-job", { training });
    await world.run(spec, () => world.started.length > 6);
    const store = {
      ...dyingStore(attic.store, Infinity),
      async *list(prefix: string) {
        const listed = await infosIn(attic, prefix);
        if (prefix === keys.jobs) await world.run(spec);
        yield* listed;
      },
    };
    await attic.collect({ jobsOlderThanMs: 0 }, store);
    expect(await left(attic)).not.toContain("history.json");
    await attic.collect();
    expect((await readHistoryRecord(attic.store, job))?.rounds).toHaveLength(5);
  });

  it("is not failed by a parameter server that wakes up when its round is over and its deltas are gone", async () => {
    const attic = new Attic();
    const { world, spec } = await attic.submit("a-job", { training });
    await world.run(spec, () => world.started.length > 6);
    const folder = keys.outputs(job, { kind: "train", round: 1 });
    const listed = await infosIn(attic, folder);
    await attic.collect();
    expect(await infosIn(attic, folder)).toEqual([]);
    let looks = 0;
    const asItWas = {
      ...dyingStore(attic.store, Infinity),
      head: (key: string) => {
        const isFirst = key === keys.weights(job, 1) && looks++ === 0;
        return isFirst ? Promise.resolve(undefined) : attic.store.head(key);
      },
      async *list(prefix: string) {
        yield* prefix === folder ? listed : await infosIn(attic, prefix);
      },
    };
    const hint = { version: 1, type: "delta", job, round: 1 } as const;
    await handleDeltaMessages([hint], { ...world.deps, store: asItWas });
    expect(looks).toBeGreaterThan(1);
    expect((await world.run(spec))?.status).toBe("succeeded");
  });

  it("with a quorum keeps everything: its newest optimizer state may be old", async () => {
    const attic = new Attic();
    const { world, spec } = await attic.submit("a-job", { training: { ...training, quorum: 0.5 } });
    await world.run(spec, () => world.started.length > 6);
    const before = await left(attic);
    expect(before.some((key) => key.startsWith("rounds/000001/deltas/"))).toBe(true);
    await attic.collect({ jobsOlderThanMs: 0 });
    expect(await left(attic)).toEqual(before);
  });
});

describe("what cannot be understood", () => {
  it("is left alone and said; no data set goes while nobody knows which a job needs", async () => {
    const attic = new Attic();
    const spec = await ended(attic);
    const before = await left(attic);
    const head = await attic.store.head(keys.spec(job));
    await attic.store.replace(keys.spec(job), Uint8Array.of(1, 2, 3), head?.etag ?? "");
    await attic.store.create("jobs/Not A Job/x", nothing);
    await attic.store.create("datasets/other/x", nothing);
    attic.now += 20 * dayMs;
    const report = await attic.collect({ jobsOlderThanMs: 0 });
    expect(report.skipped.map(({ key }) => key)).toEqual(["jobs/Not A Job", keys.spec(job)]);
    expect(report.removed).toEqual({});
    expect(await left(attic)).toEqual(before);
    const again = await attic.store.head(keys.spec(job));
    await attic.store.replace(keys.spec(job), encodeRecord(JobSpec, spec), again?.etag ?? "");
    const mended = await attic.collect({ jobsOlderThanMs: 0 });
    expect(mended.skipped.map(({ key }) => key)).toEqual(["jobs/Not A Job", "datasets/other"]);
    expect(await attic.keys()).toEqual(["datasets/other/x", "jobs/Not A Job/x"]);
  });

  it("keeps the weights of rounds whose record is damaged: they would be lost with their history", async () => {
    const attic = new Attic();
    await ended(attic);
    const key = keys.weights(job, 2);
    await attic.store.delete(key);
    await attic.store.create(key, Uint8Array.of(1, 2, 3));
    const report = await attic.collect();
    expect(report.skipped).toEqual([{ key: keys.history(job), reason: expect.stringContaining(key) }]);
    expect((await left(attic)).filter((each) => each.endsWith("weights.safetensors"))).toHaveLength(6);
    expect((await left(attic)).some((each) => each.includes("deltas"))).toBe(false);
  });
});

it("makes room on a full disk without the history that it has no room for", async () => {
  const attic = new Attic();
  await ended(attic);
  const store: ObjectStore = {
    ...dyingStore(attic.store, Infinity),
    create: () => Promise.reject(new StampedeError("store.full", "the disk is full")),
  };
  const report = await attic.collect({}, store);
  expect(report.skipped).toEqual([{ key: keys.history(job), reason: "the disk is full" }]);
  expect(Object.keys(report.removed)).toEqual(["deltas", "progress"]);
  expect(Object.keys((await attic.collect()).removed)).toEqual(["weights"]);
  expect(await left(attic)).toContain("history.json");
});

it("a dry run counts what the next run removes, and touches nothing", async () => {
  const attic = new Attic();
  await ended(attic);
  const { world, spec } = await attic.submit("running", { training });
  await world.run(spec, () => world.started.length > 6);
  attic.now += 20 * dayMs;
  const before = await attic.keys();
  for (const jobsOlderThanMs of [undefined, dayMs]) {
    const dry = await attic.collect({ dryRun: true, jobsOlderThanMs });
    expect(await attic.keys()).toEqual(before);
    expect(dry.dryRun).toBe(true);
    if (jobsOlderThanMs === undefined) continue;
    expect({ ...dry, dryRun: false }).toEqual(await attic.collect({ jobsOlderThanMs }));
  }
});
