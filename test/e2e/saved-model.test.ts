import { mkdir, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { JobEvent } from "@stampede/core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { lastEvent, succeeded, type Ended } from "./support/cli.js";
import { withSmallDisk } from "./support/small-disk.js";
import { changed, points, pointsJob, Workshop } from "./support/workshop.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let workshop: Workshop;
let trained: string | undefined;
beforeAll(async () => {
  workshop = await Workshop.open();
  await workshop.job("job.yaml", pointsJob);
  await workshop.job("test.yaml", { file: "test.csv" });
  trained = succeeded(await workshop.run("train", "job.yaml", "--out", "trained")).weightsSha256;
});
afterAll(() => workshop.close());

/** The command that goes on with the job, as it is printed: its words after `stampede`. */
function printedCommand({ stderr }: Ended): readonly string[] {
  const commands = stderr.split("\n").filter((line) => /^ +stampede train /.test(line));
  expect(commands, stderr).toHaveLength(1);
  return (commands[0] ?? "").trim().split(" ").slice(1);
}

it("refuses a saved model that was edited, and takes it without its list of files", async () => {
  const words = ["evaluate", "trained/model", "--data", "test.yaml"];
  const { metrics } = succeeded(await workshop.run(...words));
  const path = workshop.path("trained/model/weights.bin");
  const weights = await readFile(path);
  const edited = weights.map((byte, at) => (at === 2 ? byte ^ 0x40 : byte));
  await writeFile(path, edited);
  const refused = await workshop.run(...words);
  expect(refused.code).toBe(2);
  const message = `Expected ${path} as it was saved (SHA-256 `;
  expect(lastEvent(refused)).toMatchObject({ code: "model.invalid", message: expect.stringContaining(message) });
  const notes = workshop.path("trained/model/stampede.json");
  const saved = await readFile(notes, "utf8");
  await writeFile(notes, JSON.stringify({ ...(JSON.parse(saved) as object), files: undefined }));
  expect(succeeded(await workshop.run(...words)).metrics).not.toEqual(metrics);
  await writeFile(path, weights);
  await writeFile(notes, saved);
  expect(succeeded(await workshop.run(...words)).metrics).toEqual(metrics);
});

it("trains again on a data set that a part was removed from", async () => {
  const datasets = join(workshop.home, "objects/datasets");
  const files = await readdir(datasets, { recursive: true });
  const parts = files.filter((file) => file.endsWith("part-00001.arrow"));
  expect(parts.length).toBeGreaterThan(0);
  for (const part of parts) await rm(join(datasets, part));
  const again = succeeded(await workshop.run("train", "job.yaml", "--out", "again"));
  expect(again.weightsSha256).toBe(trained);
});

it("sweeps old drafts of a model away, and nothing else", async () => {
  const draft = (name: string): string => `drafts/${name}`;
  const [old, young, foreign] = [draft(".model-0123456789ab"), draft(".model-ba9876543210"), draft(".model-notes")];
  const anHourAgo = Date.now() / 1000 - 3700;
  for (const folder of [old, young, foreign]) {
    await workshop.write(`${folder}/model.json`, "{}");
    if (folder !== young) await utimes(workshop.path(folder), anHourAgo, anHourAgo);
  }
  await workshop.write(draft(".model-00000000000f"), "a file");
  await utimes(workshop.path(draft(".model-00000000000f")), anHourAgo, anHourAgo);
  succeeded(await workshop.run("train", "job.yaml", "--out", "drafts"));
  const left = [".model-00000000000f", ".model-ba9876543210", ".model-notes", "model"];
  expect((await readdir(workshop.path("drafts"))).toSorted()).toEqual(left);
});

describe("a model that cannot be saved when its job has succeeded", () => {
  const isRound = (event: JobEvent): boolean => event.event === "round.finished" && event.round === 2;
  const longJob = changed((job) => {
    job.training = { ...job.training, epochs: 20, batchSize: 2 };
  });

  it.each([
    ["--out", ["--out", "blocked"], "blocked"],
    ["no --out", [], "stampede-out"],
  ])("is saved elsewhere by the command that is printed, with %s", async (_, out, place) => {
    await workshop.job("long.yaml", longJob);
    const words = ["train", "long.yaml", "--set", "name=a b", ...out];
    const run = workshop.start(...words);
    await run.event(isRound);
    await writeFile(workshop.path(place), "in the way");
    const ended = await run.ended;
    expect(ended.code).toBe(1);
    expect(lastEvent(ended)).toMatchObject({ event: "job.failed", code: "output.not-writable" });
    expect(ended.stderr).toContain("The job has succeeded");
    const { job = "" } = lastEvent(ended);
    const path = place === "blocked" ? "blocked" : `stampede-out/${job}`;
    const command = `stampede train long.yaml --set 'name=a b' --out ${path} --resume ${job}`;
    expect(ended.stderr.split(command)).toHaveLength(2);
    await rm(workshop.path(place));
    const saved = succeeded(await workshop.run(...words, "--out", path, "--resume", job));
    expect(saved.modelPath).toBe(workshop.path(`${path}/model`));
  });

  it("for its disk is full, is saved when there is room, and a full disk is no unexpected error", async (context) => {
    const isDone = await withSmallDisk("8k", async (small) => {
      const ended = await workshop.run("train", "job.yaml", "--out", join(small, "out"));
      expect(ended.code).toBe(1);
      expect(lastEvent(ended)).toMatchObject({
        event: "job.failed",
        code: "output.full",
        message: expect.stringContaining(join(small, "out", "model")),
      });
      expect(ended.stderr).toContain("Free space or choose another --out");
      const words = printedCommand(ended);
      expect(words.slice(-4, -1)).toEqual(["--out", join(small, "out"), "--resume"]);
      // Nothing of it takes up room.
      expect(await readdir(join(small, "out")).catch(() => [])).toEqual([]);
      const elsewhere = words.map((word) => (word === join(small, "out") ? "elsewhere" : word));
      expect(succeeded(await workshop.run(...elsewhere)).weightsSha256).toBe(trained);
      // There is room for the first lines: a write that ends early is no success.
      await writeFile(join(small, "ballast"), Buffer.alloc(4096));
      await workshop.write("many.csv", points(200));
      await workshop.job("many.yaml", { file: "many.csv" });
      const out = join(small, "rows.csv");
      const predicted = await workshop.run("predict", "trained/model", "--data", "many.yaml", "--out", out);
      expect(predicted.code).toBe(1);
      expect(lastEvent(predicted)).toMatchObject({ event: "job.failed", code: "output.full" });
      expect(predicted.stderr).not.toContain("--resume");
      expect((await readdir(small)).filter((name) => name.includes("rows"))).toEqual([]);
    });
    if (!isDone) context.skip("no file system can be mounted here");
  });
});

describe("a store whose disk is full", () => {
  it("in the middle of a job, is told with the command to go on", async (context) => {
    const isDone = await withSmallDisk("4m", async (home) => {
      const full: Workshop = Object.assign(Object.create(Workshop.prototype) as Workshop, {
        folder: workshop.folder,
        home: join(home, "store"),
      });
      const run = full.start("train", "job.yaml", "--set", "training.epochs=100000", "--out", "full");
      const ended = await run.ended;
      expect(ended.code).toBe(1);
      const { job = "" } = lastEvent(ended);
      expect(lastEvent(ended)).toMatchObject({ event: "job.failed", code: "store.full", job: expect.any(String) });
      expect(ended.stderr).toMatch(/what to do: .*`stampede jobs gc`/);
      const command = `stampede train job.yaml --set training.epochs=100000 --out full --resume ${job}`;
      expect(printedCommand(ended).join(" ")).toBe(command.replace("stampede ", ""));
    });
    if (!isDone) context.skip("no file system can be mounted here");
  });

  it("before there is a job, says nothing of a job to be resumed", async (context) => {
    const isDone = await withSmallDisk("32k", async (home) => {
      const full: Workshop = Object.assign(Object.create(Workshop.prototype) as Workshop, {
        folder: workshop.folder,
        home: join(home, "store"),
      });
      await mkdir(full.home, { recursive: true });
      await writeFile(join(home, "ballast"), Buffer.alloc(8192));
      const ended = await full.run("train", "job.yaml", "--out", "full");
      expect(ended.code).toBe(1);
      expect(lastEvent(ended)).toMatchObject({ event: "job.failed", code: "store.full" });
      const remedy = ended.stderr.split("\n").find((line) => line.includes("what to do:"));
      expect(remedy).toContain("`stampede jobs gc`");
      expect(remedy).not.toMatch(/resume/);
      expect(ended.stderr).not.toContain("--resume");
    });
    if (!isDone) context.skip("no file system can be mounted here");
  });
});
