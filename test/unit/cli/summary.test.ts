import { applyEvent, evaluateSummary, jobTable, predictSummary, startView, trainSummary } from "@stampede/cli";
import { parseJobId, type JobEvent } from "@stampede/core";
import { expect, it } from "vitest";
import { recordedJob } from "./recorded-job.js";

type Succeeded = Extract<JobEvent, { event: "job.succeeded" }>;
const last = recordedJob.at(-1) as Succeeded;
const path = (text: string): string => text;
const job = parseJobId("digits-20260131-120000-0a1b2c");

it("falls back to the loss where there is no accuracy, and quotes folders", () => {
  const outcome: Succeeded = { ...last, validation: { loss: 0.5 }, modelPath: "/my models/m" };
  const lines = trainSummary(startView(0), outcome, { validationName: "Validation", path });
  expect(lines[0]).toBe("Validation loss 0.5000");
  expect(lines).toContain("Next: stampede evaluate '/my models/m' --data DATA.yaml");
});

it("leaves out what there was not", () => {
  const { validation: _validation, modelPath: _modelPath, weightsSha256: _hash, ...rest } = last;
  expect(trainSummary(startView(0), rest, { validationName: "Test", path })).toEqual([
    "Training: loss 0.2500, accuracy 0.9300",
    "3 rounds on 2 executors in 1.7 s (2.3 s of computing)",
  ]);
});

it("counts tasks that were started again, and backups", () => {
  const retry = (why: "slow" | "silent"): JobEvent => {
    return { event: "task.retried", job, stage: { kind: "train", round: 1 }, partition: 0, attempt: 2, why, at: 1 };
  };
  const told = (events: readonly JobEvent[]): string | undefined => {
    const view = events.reduce((before, event) => applyEvent(before, event, 0), startView(0));
    return trainSummary(view, last, { validationName: "Test", path }).find((line) => line.startsWith("3 rounds"));
  };
  expect(told([])).toBe("3 rounds on 2 executors in 1.7 s (2.3 s of computing)");
  expect(told([retry("silent")])).toMatch(/ of computing\), 1 retry$/);
  expect(told([retry("slow"), retry("silent"), retry("silent")])).toMatch(/, 2 retries, 1 backup$/);
});

it("says that executors had different processors", () => {
  const [round] = recordedJob.flatMap((event) => (event.event === "round.finished" ? [event] : []));
  if (round === undefined) throw new Error("no round in the recorded job");
  const told = (...blocks: readonly number[][]): string[] => {
    const view = blocks.reduce((before, kinds) => applyEvent(before, { ...round, blocks: kinds }, 0), startView(0));
    return trainSummary(view, last, { validationName: "Test", path });
  };
  const words = "executors on different processors (blocks of 16, blocks of 8): the result's last bits depend on which";
  expect(told([16], [16]).join("\n")).not.toContain("processors");
  expect(told([16], [8]).join("\n")).toContain(words);
  const whole = trainSummary(startView(0), { ...last, blocks: [16, 8] }, { validationName: "Test", path });
  expect(whole.join("\n")).toContain(words);
});

it("says that kernels of a processor's own were left alone, and why", () => {
  const [round] = recordedJob.flatMap((event) => (event.event === "round.finished" ? [event] : []));
  if (round === undefined) throw new Error("no round in the recorded job");
  const view = applyEvent(startView(0), { ...round, kernelReason: '0.5 as "loss"\nand more' }, 0);
  const words = 'executors trained without blocked kernels, because they are wrong on their processor: 0.5 as "loss"';
  expect(trainSummary(view, last, { validationName: "Test", path })).toContain(words);
});

it("sums up evaluations and predictions", () => {
  const ready = (set: "evaluate" | "predict"): JobEvent => {
    return { event: "data.ready", job, set, dataset: "x", rows: 10_000, partitions: 2, bytes: 1, reused: false, ms: 1 };
  };
  const outcome = { ...last, metrics: { loss: 0.0871, accuracy: 0.9744 }, outputPath: "p.csv", wallMs: 1200 };
  expect(evaluateSummary(applyEvent(startView(0), ready("evaluate"), 0), outcome)).toEqual([
    "Test accuracy 0.9744 (10,000 rows), loss 0.0871",
    "2 executors, 1.2 s",
  ]);
  expect(predictSummary(applyEvent(startView(0), ready("predict"), 0), outcome, { path })).toEqual([
    "10,000 predictions in p.csv",
    "2 executors, 1.2 s",
  ]);
});

const summary = {
  job,
  name: "digits",
  kind: "train",
  status: "unfinished",
  round: 2,
  rounds: 3,
  createdAt: Date.UTC(2026, 0, 31, 12),
  endedAt: undefined,
} as const;

it("lists jobs as a table", () => {
  const ended = { ...summary, status: "succeeded", round: 3, endedAt: summary.createdAt + 4200 } as const;
  expect(jobTable([summary, ended])).toEqual([
    "JOB                            KIND   STATUS      ROUND  CREATED (UTC)        TOOK",
    "digits-20260131-120000-0a1b2c  train  unfinished  2/3    2026-01-31 12:00:00",
    "digits-20260131-120000-0a1b2c  train  succeeded   3/3    2026-01-31 12:00:00  4.2 s",
  ]);
  expect(jobTable([])).toEqual(["No jobs yet. Train one: stampede train JOB.yaml"]);
});
