import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { JobDetails } from "@stampede/client";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { eventsOf, lastEvent, succeeded, type Ended } from "./support/cli.js";
import { changed, Workshop } from "./support/workshop.js";

const rounds = 12;
const longJob = changed((job) => {
  job.training = { ...job.training, epochs: rounds, executors: 2, batchSize: 2 };
  job.data.validation = { ...job.data.train, file: "test.csv" };
});

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let workshop: Workshop;
beforeAll(async () => {
  workshop = await Workshop.open();
  await workshop.job("long.yaml", longJob);
});
afterAll(() => workshop.close());

interface Report {
  readonly removed: Readonly<Record<string, { readonly objects: number; readonly bytes: number }>>;
  readonly jobs: readonly string[];
  readonly datasets: readonly string[];
}

function reportOf(ended: Ended): Report {
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  return JSON.parse(ended.stdout) as Report;
}

async function show(job: string): Promise<JobDetails> {
  return JSON.parse((await workshop.runHere("jobs", "show", job)).stdout) as JobDetails;
}

describe("jobs gc", () => {
  it("clears away what a killed job does not need; the job ends in the same bits", async () => {
    const undisturbed = succeeded(await workshop.run("train", "long.yaml", "--out", "undisturbed"));
    const run = workshop.start("train", "long.yaml", "--json");
    const submitted = await run.event(({ event }) => event === "job.submitted");
    expect(submitted).toMatchObject({ limits: { maxAttempts: 3, taskTimeoutSeconds: 900 } });
    const job = submitted.job ?? "";
    await run.event((event) => event.event === "round.finished" && event.round === 5);
    run.kill("SIGKILL");
    const killed = await run.ended;
    expect(killed.stderr).toContain(
      "limits: a task 15 min, 3 attempts, silent after 1 min, slow tasks are backed up; ",
    );

    const shown = await show(job);
    expect(shown).toMatchObject({ status: "unfinished", underWay: { stage: { kind: "train" } } });
    expect(shown.underWay?.lastSign.agoMs).toBeLessThan(300_000);
    const watched = await workshop.run("jobs", "watch", job, "--give-up-after", "2", "--json");
    expect(watched.code).toBe(1);
    expect(lastEvent(watched)).toMatchObject({ event: "job.failed", job, code: "job.silent" });

    const dry = reportOf(await workshop.run("jobs", "gc", "--dry-run"));
    const real = reportOf(await workshop.run("jobs", "gc"));
    expect({ ...real, dryRun: true }).toEqual(dry);
    // Two executors: of the killed job those of round 1 and on, of the other one all.
    expect(real.removed["deltas"]?.objects).toBeGreaterThanOrEqual(2 * (rounds + 4));
    expect(real.removed["weights"]).toMatchObject({ objects: rounds });
    expect(reportOf(await workshop.runHere("jobs", "gc")).removed).toEqual({});

    const resumed = await workshop.run("train", "long.yaml", "--resume", job, "--json", "--out", "resumed");
    expect(succeeded(resumed)).toMatchObject({ rounds, weightsSha256: undisturbed.weightsSha256 });
    // Every data set is there still, and marked for the second job too.
    expect(eventsOf(killed.stdout).filter((event) => event.event === "data.ready" && event.reused)).toHaveLength(2);
  });

  it("leaves of an ended job what it takes to show it and to save its model", async () => {
    const outcome = succeeded(await workshop.run("train", "long.yaml", "--out", "ended"));
    const before = await show(outcome.job);
    expect(before.history).toHaveLength(rounds);
    reportOf(await workshop.runHere("jobs", "gc", "--min-age-hours", "0"));
    expect(await show(outcome.job)).toEqual(before);
    await rm(workshop.path("ended"), { recursive: true });
    const again = succeeded(await workshop.run("train", "long.yaml", "--out", "ended", "--resume", outcome.job));
    expect(again).toMatchObject({ weightsSha256: outcome.weightsSha256, validation: outcome.validation });
    const model = join("ended", "model");
    expect(
      (await workshop.run("evaluate", model, "--data", await workshop.job("data.yaml", { file: "test.csv" }))).code,
    ).toBe(0);
  });

  it("removes whole jobs, and then the data that only they needed", async () => {
    const report = reportOf(
      await workshop.runHere("jobs", "gc", "--jobs-older-than-days", "0", "--min-age-hours", "0"),
    );
    expect(report.jobs.length).toBeGreaterThanOrEqual(3);
    expect(report.datasets.length).toBeGreaterThanOrEqual(2);
    expect((await workshop.runHere("jobs", "list")).stdout).toBe("");
    const words = ["jobs", "gc", "--jobs-older-than-days", "0", "--min-age-hours", "0"];
    expect(reportOf(await workshop.runHere(...words)).removed).toEqual({});
    succeeded(await workshop.run("train", "long.yaml", "--out", "anew"));
  });

  it.each([
    ["--min-age-hours", "-1"],
    ["--min-age-hours", "a day"],
    ["--jobs-older-than-days", "NaN"],
  ])("refuses %s %s", async (option, value) => {
    const { code, stderr } = await workshop.runHere("jobs", "gc", `${option}=${value}`);
    expect(code).toBe(2);
    expect(stderr).toContain(`option.invalid: Expected a number, 0 or more, after ${option}`);
  });
});
