import { applyEvent, evaluateSummary, jobLife, jobTable, predictSummary, startView, trainSummary } from "@stampede/cli";
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

it("tells the life of a job that has not ended, with its failures and how to go on", () => {
  const lines = jobLife({
    ...summary,
    executors: 2,
    engine: "tfjs-wasm",
    engineReason: "layer x (Foo)\u001b[2J has no lowering",
    threads: undefined,
    error: undefined,
    metrics: { loss: 0.9 },
    validation: undefined,
    weightsSha256: undefined,
    history: [
      {
        round: 1,
        examples: 1617,
        metrics: { loss: 0.9 },
        validation: undefined,
        executors: [
          { partition: 0, attempt: 1, examples: 809, computeMs: 100, metrics: {} },
          { partition: 1, attempt: 2, examples: 808, computeMs: 1200, metrics: {} },
        ],
      },
    ],
    failures: [{ stage: "train 1", partition: 1, attempt: 1, code: "task.crashed", message: "gone\u001b[2J" }],
  });
  expect(lines).toEqual([
    "digits-20260131-120000-0a1b2c: digits",
    "train, unfinished, round 2/3, 2 executors, engine tfjs-wasm",
    "engine tfjs-wasm, because compiled is not possible: layer x (Foo) [2J has no lowering",
    "created 2026-01-31 12:00:00 UTC",
    "training: loss 0.9000",
    "",
    "ROUND  EXAMPLES  TRAINING     VALIDATION  EXECUTORS",
    "1      1,617     loss 0.9000              0.1 s 1.2 s (attempt 2)",
    "",
    "1 failed attempt:",
    "  train 1, executor 1, attempt 1: task.crashed: gone [2J",
    "",
    "Not ended. If a process still runs it: stampede jobs watch digits-20260131-120000-0a1b2c",
    "If it was interrupted: stampede train JOB.yaml --resume digits-20260131-120000-0a1b2c",
  ]);
});

it("says how many threads each executor of the compiled engine has", () => {
  const known = {
    ...summary,
    executors: 4,
    engine: "compiled",
    engineReason: undefined,
    error: undefined,
    metrics: {},
  };
  const rest = { validation: undefined, weightsSha256: undefined, history: [], failures: [] };
  expect(jobLife({ ...known, ...rest, threads: 1 })[1]).toMatch(/4 executors, engine compiled \(1 thread\)$/);
  expect(jobLife({ ...known, ...rest, threads: 2 })[1]).toMatch(/engine compiled \(2 threads\)$/);
});
