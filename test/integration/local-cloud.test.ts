import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { JobSpec, parseJobId, TrainingSettings, type JobEvent, type JobResult } from "@stampede/core";
import { shardDataset } from "@stampede/data";
import { FolderObjectStore, LocalCloud, systemClock, systemUnique, type Isolation } from "@stampede/local";
import { defineModel, prepareTfjs, withSeededRandom } from "@stampede/runtime";
import { readFailures, readResult, readRoundRecord, submitJob } from "@stampede/training";
import { layers, sequential } from "@tensorflow/tfjs-layers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { linearRows } from "../support/linear-rows.js";

const urlOf = (name: string): string => pathToFileURL(join(import.meta.dirname, "../fixtures/threads", name)).href;
const job = parseJobId("job-1");
let home = "";

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "stampede-cloud-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function submit(folder: string): Promise<void> {
  const store = FolderObjectStore.open(folder);
  await prepareTfjs();
  const model = await withSeededRandom(1, async () => {
    const built = sequential({ layers: [layers.dense({ name: "out", units: 1, inputShape: [2] })] });
    built.compile({ optimizer: "adam", loss: "meanSquaredError" });
    return built;
  });
  const { definition, weights } = defineModel(model);
  const request = { dataset: linearRows(60, 1), baseFolder: ".", partitions: 2, order: "shuffled" } as const;
  const { train } = await shardDataset(request, { store });
  const spec = JobSpec.parse({
    version: 1,
    job,
    name: "linear",
    kind: "train",
    createdAt: 1,
    engine: "tfjs-cpu",
    model: definition,
    dataset: train.id,
    partitions: 2,
    partitionRows: train.manifest.parts.map(({ rows }) => rows),
    // A second executor for a slow task could end it before the first is found to have failed.
    training: TrainingSettings.parse({ epochs: 4, batchSize: 8, taskTimeoutSeconds: 10, backups: false }),
  });
  await submitJob(spec, { weights }, { store, clock: systemClock, unique: systemUnique });
}

async function runIn(
  folder: string,
  options: { readonly executorUrl?: string; readonly isolation?: Isolation } = {},
): Promise<JobResult | undefined> {
  await submit(folder);
  const cloud = LocalCloud.start({ home: folder, threads: 2, memoryLimitMb: 512, ...options });
  try {
    await cloud.run(job, { resumed: false, onEvent: () => undefined });
  } finally {
    await cloud.close();
  }
  return readResult(FolderObjectStore.open(folder), job);
}

/** The first attempts that failed, of every round. */
async function failuresIn(folder: string): Promise<readonly (readonly [number, number, string])[]> {
  const store = FolderObjectStore.open(folder);
  const failures = [];
  for (const round of [1, 2, 3, 4]) failures.push(...(await readFailures(store, job, { kind: "train", round })));
  return failures.map(({ stage, partition, error }) => [stage.round, partition, error.code] as const);
}

it("an executor that dies, hangs or throws is replaced, and the weights are those of an undisturbed run", async () => {
  const disturbed = await runIn(join(home, "disturbed"), { executorUrl: urlOf("faulty-executor.js") });
  const undisturbed = await runIn(join(home, "undisturbed"));
  expect(disturbed?.status).toBe("succeeded");
  expect(disturbed?.weightsSha256).toBe(undisturbed?.weightsSha256);
  const store = FolderObjectStore.open(join(home, "disturbed"));
  expect(await failuresIn(join(home, "disturbed"))).toEqual([
    [1, 1, "task.crashed"],
    [2, 1, "task.timed-out"],
    [3, 1, "internal.unexpected"],
  ]);
  expect((await readRoundRecord(store, job, 2))?.contributions.map(({ attempt }) => attempt)).toEqual([1, 2]);
});

it("an executor whose process dies or outgrows its memory is replaced, and the weights are those of threads", async () => {
  const dying = { executorUrl: urlOf("dying-executor.js"), isolation: "process" } as const;
  const disturbed = await runIn(join(home, "disturbed"), dying);
  const undisturbed = await runIn(join(home, "undisturbed"));
  expect(disturbed?.status).toBe("succeeded");
  expect(disturbed?.weightsSha256).toBe(undisturbed?.weightsSha256);
  expect(await failuresIn(join(home, "disturbed"))).toEqual([
    [1, 1, "task.crashed"],
    [2, 1, "task.crashed"],
    [3, 1, "task.out-of-memory"],
  ]);
});

it("an interrupted job goes on in another cloud on the same folder and ends in the same bits", async () => {
  const undisturbed = await runIn(join(home, "undisturbed"));
  const folder = join(home, "interrupted");
  await submit(folder);
  const interruption = new AbortController();
  const first = LocalCloud.start({ home: folder, threads: 2, memoryLimitMb: 512 });
  const onEvent = ({ event }: JobEvent): void => {
    if (event === "round.finished") interruption.abort();
  };
  await expect(first.run(job, { resumed: false, onEvent, signal: interruption.signal })).rejects.toMatchObject({
    code: "job.interrupted",
  });
  await first.close();
  const second = LocalCloud.start({ home: folder, threads: 1, memoryLimitMb: 512 });
  const rounds: number[] = [];
  await second.run(job, {
    resumed: true,
    onEvent: (event) => {
      if (event.event === "round.finished") rounds.push(event.round);
    },
  });
  await second.close();
  const result = await readResult(FolderObjectStore.open(folder), job);
  expect(result?.weightsSha256).toBe(undisturbed?.weightsSha256);
  expect(rounds[0]).toBeGreaterThan(1);
});
