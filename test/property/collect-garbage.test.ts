import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { showJob, train, type JobDetails } from "@stampede/client";
import { commitResult, readHead, readResult, readSpec, type GarbageOptions } from "@stampede/training";
import { JobFile, keys, makeJobId, type JobSpec, type ObjectStore } from "@stampede/core";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Attic, dayMs, dyingStore, hourMs, slowStore } from "../support/garbage.js";
import { storeCluster } from "../support/store-cluster.js";
import type { World } from "../support/world.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stampede-gc-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface JobPlan {
  readonly kind: JobSpec["kind"];
  readonly partitionRows: readonly number[];
  readonly epochs: number;
  readonly frequency: JobSpec["training"]["frequency"];
  readonly optimizerState: JobSpec["training"]["optimizerState"];
  readonly quorum: number;
  readonly warm: boolean;
  /** Whether its tasks keep a checkpoint after every piece of work. */
  readonly keeps: boolean;
  /** Steps that were taken before the process was gone. */
  readonly steps: number;
  /** What happened to it then. */
  readonly end: "cancelled" | "failed" | "none";
  /** How long after the job before it was submitted. */
  readonly afterMs: number;
}

const frequencies: readonly JobPlan["frequency"][] = ["epoch", "fit", { steps: 2 }];
const jobPlan: fc.Arbitrary<JobPlan> = fc.record({
  kind: fc.constantFrom("train", "train", "train", "evaluate", "predict"),
  partitionRows: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 }),
  epochs: fc.integer({ min: 1, max: 5 }),
  frequency: fc.constantFrom(...frequencies),
  optimizerState: fc.constantFrom("carried", "averaged", "reset"),
  quorum: fc.constantFrom(1, 1, 0.5),
  warm: fc.boolean(),
  keeps: fc.constantFrom(false, false, true),
  steps: fc.oneof(fc.integer({ min: 0, max: 80 }), fc.constant(10_000)),
  end: fc.constantFrom("none", "none", "cancelled", "failed"),
  afterMs: fc.integer({ min: 0, max: 40 * hourMs }),
});

type Wish = Pick<GarbageOptions, "minAgeMs" | "jobsOlderThanMs">;
const wish: fc.Arbitrary<Wish> = fc.record({
  minAgeMs: fc.constantFrom(0, hourMs, dayMs, 30 * dayMs),
  jobsOlderThanMs: fc.constantFrom(undefined, undefined, 0, 11 * dayMs, 12 * dayMs),
});

interface Stored {
  readonly world: World;
  readonly spec: JobSpec;
}

/** A store in which these jobs were submitted one after the other and ran as far as they are said to have. */
async function storeOf(
  plans: readonly JobPlan[],
): Promise<{ readonly attic: Attic; readonly jobs: readonly Stored[] }> {
  const attic = new Attic();
  const jobs: Stored[] = [];
  for (const [index, plan] of plans.entries()) {
    attic.now += plan.afterMs;
    jobs.push(await runPart(attic, index, plan));
  }
  return { attic, jobs };
}

async function runPart(attic: Attic, index: number, plan: JobPlan): Promise<Stored> {
  const { kind, partitionRows, epochs, frequency, optimizerState, quorum, warm, keeps, steps, end } = plan;
  const checkpointSeconds = keeps ? 0.001 : 300;
  const training = { epochs, batchSize: 4, frequency, optimizerState, quorum, seed: index, checkpointSeconds };
  const options = { warm, ...(keeps && { msPerLook: 100 }) };
  const stored = await attic.submit(`job-${index}`, { kind, partitionRows: [...partitionRows], training }, options);
  let taken = 0;
  await stored.world.run(stored.spec, () => taken++ >= steps);
  stored.world.crash();
  if (end !== "none" && (await readResult(attic.store, stored.spec.job)) === undefined) {
    const error = { code: "task.crashed", message: "gone", retryable: false } as const;
    const common = { version: 1, job: stored.spec.job, token: "t", endedAt: attic.now, round: 0, metrics: {} } as const;
    await commitResult(attic.store, { ...common, status: end, ...(end === "failed" && { error }) });
  }
  return stored;
}

async function finish({ world, spec }: Stored, store: ObjectStore): Promise<readonly [unknown, unknown]> {
  await world.resume(spec);
  const result = await world.run(spec);
  const weights = result?.status === "succeeded" && spec.kind === "train" ? await world.weights(spec, result.round) : 0;
  const outputs = [];
  for await (const { key } of store.list(keys.outputs(spec.job, { kind: "predict", round: 0 }))) {
    outputs.push(await store.get(key).then((object) => Buffer.from(object?.body ?? []).toString("hex")));
  }
  return [result && { ...result, token: "", endedAt: 0 }, [weights, outputs]];
}

/** What is told of a job, but for how long ago it was heard of. */
async function shown(store: ObjectStore, { job }: JobSpec): Promise<JobDetails> {
  return { ...(await showJob(storeCluster(store), job)), underWay: undefined };
}

const jobFile = JobFile.parse({
  name: "job",
  model: "./model.js",
  data: { train: { format: "builtin", name: "digits" } },
  training: {},
});

/** The model folder's notes, as `train --resume` of a succeeded job leaves them. */
async function savedNotes(store: ObjectStore, { job }: JobSpec): Promise<unknown> {
  const out = join(
    folder,
    makeJobId("out", 0, String(Math.abs(Number(process.hrtime.bigint() % 1_000_000n))).padStart(6, "0")),
  );
  const model = { type: "file", path: "nowhere" } as const;
  await train({ job: jobFile, model, baseFolder: ".", cluster: storeCluster(store), out, resume: job });
  const notes: unknown = JSON.parse(await readFile(join(out, "model", "stampede.json"), "utf8"));
  await rm(out, { recursive: true });
  return notes;
}

it("never takes away what a job needs, and nothing a second time", async () => {
  const disturbance = fc.record({
    dies: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }),
    twoAtOnce: fc.boolean(),
    turns: fc.array(fc.nat(5), { minLength: 1, maxLength: 30 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(jobPlan, { minLength: 1, maxLength: 3 }),
      wish,
      disturbance,
      async (plans, options, how) => {
        const { attic, jobs } = await storeOf(plans);
        const untouched = await storeOf(plans);
        attic.now += 2 * dayMs;
        const before = await Promise.all(jobs.map(({ spec }) => shown(attic.store, spec)));
        let turn = 0;
        const turns = (): number => how.turns[turn++ % how.turns.length] ?? 0;
        const runs = how.twoAtOnce ? [slowStore(attic.store, turns), slowStore(attic.store, turns)] : [attic.store];
        if (how.dies !== undefined) runs[0] = dyingStore(runs[0] ?? attic.store, how.dies);
        await Promise.allSettled(runs.map((store) => attic.collect(options, store)));
        await attic.collect(options);
        expect((await attic.collect(options)).removed).toEqual({});
        for (const [index, job] of jobs.entries()) {
          const { spec } = job;
          const was = before[index];
          if (was?.status === "unfinished") {
            expect(await shown(attic.store, spec)).toEqual(was);
            const other = untouched.jobs[index] as Stored;
            expect(await finish(job, attic.store)).toEqual(await finish(other, untouched.attic.store));
          } else if (options.jobsOlderThanMs !== undefined && (await isGone(attic.store, spec))) {
            expect(await attic.keys(keys.job(spec.job))).toEqual([]);
          } else {
            expect(await shown(attic.store, spec)).toEqual(was);
            if (was?.status === "succeeded" && spec.kind === "train") {
              expect(await savedNotes(attic.store, spec)).toMatchObject({
                job: spec.job,
                weightsSha256: was.weightsSha256,
              });
            }
          }
        }
        await expectWholeDatasets(attic);
      },
    ),
    { numRuns: 150 },
  );
});

it("changes no bit of a job that runs meanwhile, whatever becomes of its messages", async () => {
  const training = { epochs: 6, batchSize: 4, taskTimeoutSeconds: 60, maxAttempts: 10 };
  const partitionRows = [7, 3, 9];
  const undisturbed = await new Attic().submit("job", { training, partitionRows });
  const expected = await undisturbed.world.run(undisturbed.spec);
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.nat(1_000)), async (draws) => {
      const draw = (range: number): number => (draws.next().value ?? 0) % range;
      const attic = new Attic();
      const store = slowStore(attic.store, () => draw(4));
      const { world, spec } = await attic.submit(
        "job",
        { training, partitionRows },
        { pick: draw, fateOf: () => (draw(4) === 0 ? "double" : "deliver") },
        store,
      );
      let isOver = false;
      const running = world.run(spec).finally(() => {
        isOver = true;
      });
      let runs = 0;
      while (!isOver) {
        await attic.collect(
          { minAgeMs: 0 },
          slowStore(attic.store, () => draw(8)),
        );
        runs += 1;
      }
      expect(await running).toMatchObject({ status: "succeeded", weightsSha256: expected?.weightsSha256 });
      expect(runs).toBeGreaterThan(1);
      expect((await shown(attic.store, spec)).history.map(({ round }) => round)).toEqual([1, 2, 3, 4, 5, 6]);
    }),
    { numRuns: 60 },
  );
});

async function isGone(store: ObjectStore, { job }: JobSpec): Promise<boolean> {
  return (
    (await readSpec(store, job).catch(() => undefined)) === undefined && (await readHead(store, job)) === undefined
  );
}

/** Whoever finds a manifest finds all partitions. */
async function expectWholeDatasets(attic: Attic): Promise<void> {
  for (const dataset of await attic.datasets()) {
    const found = await attic.keys(keys.dataset(dataset));
    if (!found.includes(keys.manifest(dataset))) continue;
    const body = (await attic.store.get(keys.manifest(dataset)))?.body;
    const parts = (new TextDecoder().decode(body).match(/"sha256"/g) ?? []).length;
    expect(found.filter((key) => key.endsWith(".arrow"))).toHaveLength(parts);
  }
}
