import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { feelPulse, showJob, train } from "@stampede/client";
import { JobFile, keys, parseJobId, type JobEvent, type JobSpec, type ObjectStore } from "@stampede/core";
import { describe, expect, it } from "vitest";
import { Attic } from "../support/garbage.js";
import { storeCluster } from "../support/store-cluster.js";
import type { World, WorldOptions } from "../support/world.js";

const job = parseJobId("a-job");
const training = { epochs: 4, batchSize: 8, maxAttempts: 2 };
const crashed = { code: "task.crashed", message: "killed", retryable: true } as const;

/** The platform reports that the attempt which was started last has crashed. */
function crash(world: World): void {
  const task = world.started.at(-1);
  if (task === undefined) throw new Error("nothing was started");
  world.tell({ version: 1, type: "invocation-failed", task, error: crashed });
}

const shown = (attic: Attic) => showJob(storeCluster(attic.store), job);

describe("the life of a job", () => {
  it("tells which attempts counted, what they took, and what was tried again, and why", async () => {
    const attic = new Attic();
    const { world, spec } = await attic.submit(
      "a-job",
      { training },
      { usedBytes: () => 5_000, fateOf: (event) => (isSecondOfRound2(event) ? "lose" : "deliver") },
    );
    await world.run(spec, () => world.started.length === 4);
    crash(world);
    expect((await world.run(spec))?.status).toBe("succeeded");
    const details = await shown(attic);
    expect(details).toMatchObject({ status: "succeeded", underWay: undefined, deadTask: undefined });
    expect(details.limits).toEqual({
      taskTimeoutSeconds: 900,
      maxAttempts: 2,
      heartbeatTimeoutSeconds: 60,
      backups: true,
      quorum: 1,
      graceSeconds: 60,
    });
    const task = { stage: "train 2", partition: 1 };
    expect(details.failures).toMatchObject([{ ...task, attempt: 1, code: "task.crashed", message: "killed" }]);
    expect(details.retries).toMatchObject([{ ...task, attempt: 2, why: "failed", code: "task.crashed" }]);
    expect(details.history.map(({ executors }) => executors.map(({ attempt }) => attempt))).toEqual([
      [1, 1],
      [1, 2],
      [1, 1],
      [1, 1],
    ]);
    for (const { executors, missing } of details.history) {
      expect(missing).toEqual([]);
      for (const { norm, memoryBytes, tookMs } of executors) {
        expect([norm, tookMs]).toEqual([expect.any(Number), expect.any(Number)]);
        expect(memoryBytes).toBe(5_000);
      }
    }
  });

  it("tells the task that the job failed of, with its reasons", async () => {
    const attic = new Attic();
    const { world, spec } = await attic.submit("a-job", { training, partitionRows: [9] }, { fateOf: loseTasks });
    for (const attempts of [1, 2]) {
      await world.run(spec, () => world.started.length === attempts);
      crash(world);
    }
    expect((await world.run(spec))?.status).toBe("failed");
    const { deadTask, error, failures, status } = await shown(attic);
    expect([status, error?.code, failures.length]).toEqual(["failed", "task.crashed", 2]);
    expect(deadTask).toMatchObject({
      stage: "train 1",
      partition: 0,
      attempts: 2,
      code: "task.crashed",
      reasons: [
        { attempt: 1, code: "task.crashed", message: "killed" },
        { attempt: 2, code: "task.crashed", message: "killed" },
      ],
    });
  });

  it("tells who was left out of a round, and whose delta came late", async () => {
    const attic = new Attic();
    const { world, spec } = await attic.submit(
      "a-job",
      {
        training: { ...training, epochs: 6, quorum: 0.5, lateDeltas: "merge", backups: false },
        partitionRows: [9, 9, 9],
      },
      { startsAfter: ({ partition, stage }) => (partition === 2 && stage.round === 3 ? 200 : 100) },
    );
    expect((await world.run(spec))?.status).toBe("succeeded");
    const { history } = await shown(attic);
    expect(history.flatMap(({ round, missing }) => missing.map((partition) => [round, partition]))).toEqual([[3, 2]]);
    const late = history.flatMap(({ round, executors }) =>
      executors.flatMap(({ partition, lateFrom }) => (lateFrom === undefined ? [] : [{ round, partition, lateFrom }])),
    );
    expect(late).toEqual([{ round: 4, partition: 2, lateFrom: 3 }]);
  });
});

describe("a job that has not ended", () => {
  it("is shown with its tasks and the newest sign of life", async () => {
    const attic = new Attic();
    const { world, spec } = await attic.submit("a-job", { training });
    const cluster = storeCluster(attic.store);
    expect((await showJob(cluster, job)).underWay).toMatchObject({
      stage: undefined,
      tasks: [],
      lastSign: { at: 0, from: "client" },
    });
    await world.run(spec, () => world.started.length === 4);
    const { underWay } = await showJob(cluster, job);
    expect(underWay?.stage).toEqual({ kind: "train", round: 2 });
    expect(underWay?.lastSign.at).toBe(1_000_000);
    expect(underWay?.tasks.map(({ partition, attempt, isBackup }) => [partition, attempt, isBackup])).toEqual([
      [0, 1, false],
      [1, 1, false],
    ]);
    expect(await feelPulse(cluster, job)).toMatchObject({
      status: "unfinished",
      kind: "train",
      heartbeatTimeoutMs: 60_000,
      lastSign: { at: 1_000_000 },
    });
    await world.run(spec);
    expect(await feelPulse(cluster, job)).toMatchObject({ status: "succeeded", lastSign: undefined });
  });

  it("is shown with both attempts of a task that has a backup", async () => {
    const attic = new Attic();
    const { world, spec } = await attic.submit(
      "a-job",
      { training: { ...training, taskTimeoutSeconds: 600 }, partitionRows: [9, 9] },
      { startsAfter: ({ partition, attempt }) => (partition === 1 && attempt === 1 ? 60_000 : 1_000) },
    );
    await world.run(spec, () => world.started.length === 3);
    const { underWay, retries } = await shown(attic);
    expect(retries).toMatchObject([{ partition: 1, attempt: 2, why: "slow", code: undefined }]);
    expect(underWay).toMatchObject({ done: 1, lastSign: { from: "driver" } });
    // Nothing is known of the slow one, which has not begun.
    expect(underWay?.tasks).toMatchObject([{ partition: 1, attempt: 2, isBackup: true, sign: undefined }]);
  });
});

describe("a job whose rounds were cleared away", () => {
  const jobFile = JobFile.parse({
    name: "job",
    model: "./model.js",
    data: { train: { format: "builtin", name: "digits" } },
    training: {},
  });

  async function ended(attic: Attic): Promise<JobSpec> {
    const { world, spec } = await attic.submit("a-job", { training });
    expect((await world.run(spec))?.status).toBe("succeeded");
    return spec;
  }

  async function resume(store: ObjectStore, out: string): Promise<readonly JobEvent[]> {
    const told: JobEvent[] = [];
    const model = { type: "file", path: "nowhere" } as const;
    const onEvent = (event: JobEvent): void => void told.push(event);
    await train({ job: jobFile, model, baseFolder: ".", cluster: storeCluster(store), out, resume: job, onEvent });
    return told;
  }

  it("is saved as before, and tells its limits and its size", async () => {
    const attic = new Attic();
    await ended(attic);
    const folder = await mkdtemp(join(tmpdir(), "stampede-life-"));
    try {
      const before = await resume(attic.store, join(folder, "before"));
      await attic.collect({ minAgeMs: 0 });
      const after = await resume(attic.store, join(folder, "after"));
      expect(after[0]).toMatchObject({
        event: "job.submitted",
        parameters: 2,
        resumed: true,
        limits: { maxAttempts: 2 },
      });
      const timeless = (event: JobEvent | undefined) => ({ ...event, wallMs: 0, modelPath: "" });
      expect(timeless(after.at(-1))).toEqual(timeless(before.at(-1)));
      expect(await readdir(join(folder, "after", "model"))).toEqual(await readdir(join(folder, "before", "model")));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("is not saved with other weights than its result speaks of", async () => {
    const attic = new Attic();
    const spec = await ended(attic);
    const folder = await mkdtemp(join(tmpdir(), "stampede-life-"));
    const last = keys.weights(spec.job, 4);
    const other = await attic.store.get(keys.weights(spec.job, 3));
    await attic.store.delete(last);
    await attic.store.create(last, other?.body ?? new Uint8Array());
    try {
      await expect(resume(attic.store, folder)).rejects.toMatchObject({
        code: "store.corrupt",
        details: { key: last },
        message: expect.stringMatching(/^Expected weights with SHA-256 .* found .*\. Nothing was saved\.$/),
      });
      expect(await readdir(folder)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

type Fated = Parameters<NonNullable<WorldOptions["fateOf"]>>[0];

function loseTasks({ to }: Fated): "lose" | "deliver" {
  return to === "executor" ? "lose" : "deliver";
}

function isSecondOfRound2(event: Fated): boolean {
  if (event.to !== "executor") return false;
  const { stage, partition, attempt } = event.task;
  return stage.round === 2 && partition === 1 && attempt === 1;
}
