import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { lastEvent, Run, succeeded, type Succeeded } from "./support/cli.js";
import { changed, Workshop } from "./support/workshop.js";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let workshop: Workshop;
beforeAll(async () => {
  workshop = await Workshop.open();
});
afterAll(() => workshop.close());

it("executors in processes make of the digits what executors in threads make of them, to the last bit", async () => {
  const cwd = join(import.meta.dirname, "../../packages/examples");
  await workshop.job("digits.yaml", { format: "builtin", name: "digits" });
  const run = async (...words: readonly string[]): Promise<Succeeded> =>
    succeeded(await new Run(words, { cwd, home: workshop.home }).ended);
  const results = [];
  for (const isolation of ["thread", "process"]) {
    const out = workshop.path(isolation);
    const trained = await run("train", "digits/job.yaml", "--isolation", isolation, "--out", out);
    const data = ["--data", workshop.path("digits.yaml")];
    const evaluated = await run("evaluate", join(out, "model"), ...data, "--isolation", isolation);
    const predictions = join(out, "predictions.csv");
    await run("predict", join(out, "model"), ...data, "--isolation", isolation, "--out", predictions);
    const { weightsSha256, metrics, validation } = trained;
    results.push({
      weightsSha256,
      metrics,
      validation,
      evaluated: evaluated.metrics,
      predicted: await readFile(predictions, "utf8"),
    });
  }
  const [threads, processes] = results;
  expect(threads?.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
  expect(processes).toEqual(threads);
});

it("a job with processes stops at SIGINT, says how to go on, and ends in the same bits when it was killed", async () => {
  const job = changed((draft) => {
    draft.training = { ...draft.training, epochs: 20, batchSize: 2 };
  });
  await workshop.job("job.yaml", job);
  const undisturbed = succeeded(await workshop.run("train", "job.yaml", "--out", "undisturbed"));
  const words = ["train", "job.yaml", "--isolation", "process", "--json"];
  const run = workshop.start(...words);
  const { job: id = "" } = await run.event(({ event }) => event === "round.finished");
  run.kill("SIGINT");
  const ended = await run.ended;
  expect(ended.code).toBe(130);
  expect(ended.stderr).toContain(`stampede train job.yaml --isolation process --json --resume ${id}`);
  const resumed = workshop.start(...words, "--resume", id, "--out", "resumed");
  await resumed.event(({ event }) => event === "round.finished");
  resumed.kill("SIGKILL");
  await resumed.ended;
  const last = succeeded(await workshop.run(...words, "--resume", id, "--out", "resumed"));
  expect(last).toMatchObject({ job: id, weightsSha256: undisturbed.weightsSha256 });
});

it.each([
  ["train", "job.yaml"],
  ["evaluate", "model", "--data", "data.yaml"],
  ["predict", "model", "--data", "data.yaml", "--out", "predictions.csv"],
])("%s refuses another isolation, and starts nothing", async (...words) => {
  const ended = await workshop.run(...words, "--isolation", "container");
  expect(ended.code).toBe(2);
  const message = 'Expected --isolation thread or process, found "container". Nothing was started.';
  expect(lastEvent(ended)).toMatchObject({ event: "job.failed", code: "option.invalid", message });
  expect(ended.stderr).toContain(`error option.invalid: ${message}`);
});
