import { keys, parseJobId, type DatasetId } from "@stampede/core";
import { describe, expect, it } from "vitest";
import { Attic, dayMs, dyingStore, hourMs } from "../../support/garbage.js";

const job = parseJobId("a-job");
const nothing = new Uint8Array();

describe("what may belong to a job that is about to be stored", () => {
  const dataset = "ab".repeat(32) as DatasetId;
  const parts = async (attic: Attic): Promise<void> => {
    for (const key of [keys.manifest(dataset), keys.part(dataset, 0), keys.part(dataset, 1)]) {
      await attic.store.create(key, nothing);
    }
  };

  it("goes when all of it is old", async () => {
    const attic = new Attic();
    await parts(attic);
    await attic.store.create(keys.use(dataset, job), nothing);
    await attic.store.create(keys.weights(job, 0), nothing);
    await attic.store.create(keys.unfinishedJob(job), nothing);
    await attic.store.create(keys.compiled("c".repeat(64)), nothing);
    attic.now += dayMs - 1;
    expect((await attic.collect()).removed).toEqual({});
    attic.now += 1;
    const report = await attic.collect();
    expect(report.removed).toEqual({
      leftovers: { objects: 2, bytes: 0 },
      datasets: { objects: 4, bytes: 0 },
      plans: { objects: 1, bytes: 0 },
    });
    expect(report.datasets).toEqual([dataset]);
    expect(await attic.keys()).toEqual([]);
  });

  it("is kept whole while one object of it is young", async () => {
    const attic = new Attic();
    await parts(attic);
    await attic.store.create(keys.weights(job, 0), nothing);
    attic.now += dayMs;
    await attic.store.create(keys.use(dataset, job), nothing);
    await attic.store.create(keys.graph(job, "predict"), nothing);
    attic.now += dayMs - 1;
    expect((await attic.collect()).removed).toEqual({});
    attic.now += 1;
    await attic.collect();
    expect(await attic.keys()).toEqual([]);
  });

  it("is kept when the job came to be after the jobs were listed, whatever the age", async () => {
    const attic = new Attic();
    await parts(attic);
    await attic.store.create(keys.use(dataset, job), nothing);
    attic.now += 2 * dayMs;
    let specs = 0;
    const store = {
      ...dyingStore(attic.store, Infinity),
      async *list(prefix: string) {
        yield* attic.store.list(prefix);
        if (prefix === keys.jobs && specs++ === 0) await attic.store.create(keys.spec(job), nothing);
      },
    };
    await attic.collect({ minAgeMs: 0 }, store);
    expect(await attic.keys(keys.datasets)).toHaveLength(4);
  });

  it("is left to whoever marks a data set while it is being removed", async () => {
    const attic = new Attic();
    await parts(attic);
    for (let part = 2; part < 40; part += 1) await attic.store.create(keys.part(dataset, part), nothing);
    attic.now += 2 * dayMs;
    let removed = 0;
    const store = {
      ...dyingStore(attic.store, Infinity),
      delete: async (key: string) => {
        await attic.store.delete(key);
        removed += 1;
        if (removed === 3) await attic.store.create(keys.use(dataset, job), nothing);
      },
    };
    await attic.collect({}, store);
    const found = await attic.keys(keys.datasets);
    expect(found).toContain(keys.use(dataset, job));
    expect(found).not.toContain(keys.manifest(dataset));
    expect(found.length).toBeGreaterThan(20);
  });

  it("a data set never has a manifest without its partitions, wherever the removal is cut short", async () => {
    for (let calls = 0; calls <= 4; calls += 1) {
      const attic = new Attic();
      await parts(attic);
      attic.now += dayMs;
      await attic.collect({}, dyingStore(attic.store, calls)).catch(() => undefined);
      const found = await attic.keys();
      if (found.includes(keys.manifest(dataset))) expect(found).toHaveLength(3);
      await attic.collect();
      expect(await attic.keys()).toEqual([]);
    }
  });
});

describe("marks", () => {
  it("of use go when they are old, of data sets that are used too; of unfinished jobs when they have ended", async () => {
    const attic = new Attic();
    const { world, spec } = await attic.submit("a-job");
    expect((await world.run(spec))?.status).toBe("succeeded");
    await attic.store.create(keys.unfinishedJob(job), nothing);
    attic.now += hourMs;
    expect((await attic.collect()).removed).toMatchObject({ leftovers: { objects: 1 } });
    expect(await attic.keys(keys.uses(spec.dataset))).toHaveLength(1);
    attic.now += dayMs;
    expect((await attic.collect()).removed).toMatchObject({ uses: { objects: 1 } });
    expect((await attic.keys(keys.dataset(spec.dataset))).length).toBe(1 + spec.partitions);
  });
});
