import { readdir, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { JobEvent } from "@stampede/core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { eventsOf, lastEvent, succeeded, type Run } from "./support/cli.js";
import { changed, model, pointsJob, Workshop } from "./support/workshop.js";

/** Enough rounds that a signal finds the job in the middle, few enough to end soon. */
const rounds = 20;
const longJob = changed((job) => {
  job.training = { ...job.training, epochs: rounds, executors: 2, batchSize: 2 };
  job.data.validation = { ...job.data.train, file: "test.csv" };
});

// Dozens of processes, which have to share the machine with other tests.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let workshop: Workshop;
beforeAll(async () => {
  workshop = await Workshop.open();
  await workshop.job("long.yaml", longJob);
});
afterAll(() => workshop.close());

const isRound =
  (round: number) =>
  (event: JobEvent): boolean =>
    event.event === "round.finished" && event.round === round;

async function jobOf(run: Run): Promise<string> {
  const submitted = await run.event(({ event }) => event === "job.submitted");
  return submitted.job ?? "";
}

describe("a job whose process dies", () => {
  let undisturbed: string | undefined;
  beforeAll(async () => {
    undisturbed = succeeded(await workshop.run("train", "long.yaml", "--out", "undisturbed")).weightsSha256;
  });

  it.each([1, 6])("goes on after SIGKILL in round %i and ends in the same bits", async (round) => {
    const run = workshop.start("train", "long.yaml", "--json");
    const job = await jobOf(run);
    await run.event(isRound(round));
    run.kill("SIGKILL");
    expect((await run.ended).signal).toBe("SIGKILL");
    const resumed = await workshop.run("train", "long.yaml", "--resume", job, "--json", "--out", `killed-${round}`);
    const outcome = succeeded(resumed);
    expect(outcome).toMatchObject({ job, rounds, weightsSha256: undisturbed });
    const finished = eventsOf(resumed.stdout).filter(({ event }) => event === "round.finished");
    // Committed rounds are not computed again.
    expect(finished.length).toBeLessThanOrEqual(rounds - round);
  });

  it("goes on after SIGKILL at any moment of its start", async () => {
    for (const event of ["data.ready", "job.submitted", "task.started"] as const) {
      const run = workshop.start("train", "long.yaml", "--json");
      const job = (await run.event((told) => told.event === event)).job ?? "";
      run.kill("SIGKILL");
      await run.ended;
      const resumed = await workshop.run("train", "long.yaml", "--resume", job, "--out", `start-${event}`);
      if (resumed.code === 2) expect(lastEvent(resumed)).toMatchObject({ code: "job.not-found" });
      else expect(succeeded(resumed).weightsSha256).toBe(undisturbed);
    }
  });

  it("saves the model of a job that has succeeded already, and nothing over another model", async () => {
    const words = ["train", await workshop.job("job.yaml", pointsJob), "--out", "first"];
    const first = succeeded(await workshop.run(...words));
    await rm(workshop.path("first"), { recursive: true });
    const again = await workshop.run(...words, "--resume", first.job);
    expect(succeeded(again)).toMatchObject({ weightsSha256: first.weightsSha256, modelPath: first.modelPath });
    expect(eventsOf(again.stdout).some(({ event }) => event === "round.started")).toBe(false);
    expect(await readdir(workshop.path("first/model"))).toContain("model.json");
    const third = await workshop.run(...words, "--resume", first.job);
    expect(third.code).toBe(2);
    expect(lastEvent(third)).toMatchObject({ event: "job.failed", code: "model.exists" });
  });

  // The job would take hours: only the signal can be what ends it.
  it.each(["SIGINT", "SIGTERM"] as const)("stops at %s, says how to go on, and can", async (signal) => {
    const words = ["train", "long.yaml", "--set", "name=stopped job", "--set", "training.epochs=100000", "--json"];
    const run = workshop.start(...words);
    const job = await jobOf(run);
    await run.event(isRound(3));
    run.kill(signal);
    const ended = await run.ended;
    expect(ended.code).toBe(130);
    expect(eventsOf(ended.stdout).filter(({ event }) => event === "job.failed")).toHaveLength(1);
    expect(lastEvent(ended)).toMatchObject({ event: "job.failed", job, code: "job.interrupted" });
    const command = `stampede train long.yaml --set 'name=stopped job' --set training.epochs=100000 --json --resume ${job}`;
    expect(ended.stderr.split(command)).toHaveLength(2);
    const done = Math.max(...eventsOf(ended.stdout).map((told) => (told.event === "round.finished" ? told.round : 0)));
    const resumed = workshop.start(...words, "--resume", job);
    const next = await resumed.event(({ event }) => event === "round.finished");
    expect(next).toHaveProperty(
      "round",
      expect.toSatisfy((round: number) => round > done),
    );
    resumed.kill("SIGKILL");
    await resumed.ended;
  });
});

describe("a job seen from another process", () => {
  it("is listed, shown, watched and logged", async () => {
    const run = workshop.start("train", "long.yaml", "--json", "--out", "watched");
    const job = await jobOf(run);
    const watch = workshop.start("jobs", "watch", job, "--json");
    await watch.event(isRound(2));
    const listed = JSON.parse((await workshop.run("jobs", "list")).stdout.split("\n", 1)[0] ?? "") as object;
    expect(listed).toMatchObject({ job, name: "points", kind: "train", rounds });
    const outcome = succeeded(await run.ended);
    const watched = await watch.ended;
    expect(succeeded(watched)).toEqual(outcome);
    const logs = eventsOf((await workshop.run("jobs", "logs", job)).stdout);
    expect(logs.filter(({ event }) => event === "round.finished")).toHaveLength(rounds);
    expect(logs.at(-1)).toEqual(outcome);
    const shown = JSON.parse((await workshop.run("jobs", "show", job)).stdout) as object;
    expect(shown).toMatchObject({
      job,
      status: "succeeded",
      round: rounds,
      executors: 2,
      weightsSha256: outcome.weightsSha256,
      failures: [],
    });
    expect(shown).toHaveProperty("history.length", rounds);
  });

  it("is cancelled", async () => {
    const run = workshop.start("train", "long.yaml", "--json", "--set", "training.epochs=100000");
    const job = await jobOf(run);
    await run.event(isRound(2));
    expect((await workshop.run("jobs", "cancel", job)).code).toBe(0);
    const ended = await run.ended;
    expect(ended.code).toBe(1);
    expect(lastEvent(ended)).toMatchObject({ event: "job.failed", job, code: "job.cancelled" });
    const again = await workshop.run("jobs", "cancel", job);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain("error job.not-resumable");
  });
});

describe("a job that goes wrong", () => {
  it("stops when the loss is no longer a number, naming round, partition and causes", async () => {
    await workshop.write(
      "explodes.mjs",
      model({ compile: '{ optimizer: train.sgd(1e30), loss: "meanSquaredError" }' })
        .replace('activation: "tanh"', 'activation: "linear"')
        .replace('activation: "softmax"', 'activation: "linear"'),
    );
    const ended = await workshop.run(
      "train",
      await workshop.job(
        "explodes.yaml",
        changed((job) => {
          job.model = "./explodes.mjs";
        }),
      ),
    );
    expect(ended.code).toBe(1);
    expect(lastEvent(ended)).toMatchObject({
      event: "job.failed",
      code: "training.non-finite",
      message: expect.stringMatching(/round 1.*(partition|executor) [01]/is),
    });
    expect(ended.stderr).toContain("learning rate");
    await expect(stat(workshop.path("stampede-out"))).rejects.toThrow("ENOENT");
  });

  it.each([
    ["weights.safetensors", "store.corrupt"],
    ["spec.json", "store.corrupt"],
    ["train-2.onnx", "graph.invalid"],
  ])("names a stored %s that was cut off", async (name, code) => {
    const run = workshop.start("train", "long.yaml", "--json");
    const job = await jobOf(run);
    await run.event(isRound(4));
    run.kill("SIGKILL");
    await run.ended;
    const damaged = await newest(join(workshop.home), job, name);
    await truncate(damaged, Math.floor((await stat(damaged)).size / 2));
    const resumed = await workshop.run("train", "long.yaml", "--resume", job);
    expect(resumed.code).toBe(1);
    expect(lastEvent(resumed)).toMatchObject({
      event: "job.failed",
      code,
      message: expect.stringContaining(name),
    });
  });
});

it("writes no more once the reader of stdout has gone, and says nothing of it", async () => {
  await workshop.job("job.yaml", pointsJob);
  const run = workshop.start("train", "job.yaml", "--set", "training.epochs=100000");
  await run.event(isRound(1));
  run.closeOutput();
  const ended = await run.ended;
  expect(ended.code).toBe(130);
  expect(ended.stderr).not.toContain("EPIPE");
});

/** The last file of this job whose path has `name` in it. */
async function newest(folder: string, job: string, name: string): Promise<string> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  const found = paths.filter((path) => path.includes(job) && path.includes(name)).toSorted();
  return found.at(-1) ?? "";
}
