import { applyEvent, stageProgress, startView, timeLeft, type JobView } from "@stampede/cli";
import { JobEvent } from "@stampede/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { recordedJob } from "./recorded-job.js";

const fold = (events: readonly JobEvent[], until?: JobEvent["event"], times = 1): JobView => {
  let view = startView(0);
  let seen = 0;
  for (const event of events) {
    view = applyEvent(view, event, "at" in event ? event.at : 0);
    if (event.event === until && ++seen === times) break;
  }
  return view;
};

it("shows the executors of the stage that is under way", () => {
  const view = fold(recordedJob, "task.progress");
  expect(view.stage).toEqual({ kind: "train", round: 1 });
  expect(view.executors.map(({ status, examples }) => [status, examples])).toEqual([
    ["running", 404],
    ["running", 0],
  ]);
  expect(stageProgress(view)).toBeCloseTo(0.25);
});

it("counts the failed attempt and shows the next one", () => {
  const failed = fold(recordedJob, "task.failed");
  expect(failed.executors[1]?.status).toBe("failed");
  expect(failed.failures).toBe(1);
  const again = fold(recordedJob, "task.progress", 2);
  expect(again.executors[1]).toMatchObject({ status: "running", attempt: 2, examples: 404 });
});

it("gives each round the validation of its own weights, the last one that of the end", () => {
  const { recent } = fold(recordedJob);
  expect(recent.map(({ round, validation }) => [round, validation?.["accuracy"]])).toEqual([
    [1, 0.85],
    [2, 0.91],
    [3, 0.9444],
  ]);
});

it("ignores words of an older attempt, of another round, and after the task's end", () => {
  const view = fold(recordedJob, "task.finished", 3);
  const late = recordedJob.filter((event) => event.event === "task.progress" || event.event === "task.started");
  for (const event of late.filter((each) => "stage" in each && each.stage.round === 1)) {
    expect(applyEvent(view, event, 0)).toEqual(view);
  }
  const retried = fold(recordedJob, "task.progress", 2);
  const failure = recordedJob.find((event) => event.event === "task.failed");
  expect(applyEvent(retried, failure as JobEvent, 0).executors).toEqual(retried.executors);
});

it("estimates the time that is left from the rounds so far", () => {
  expect(timeLeft(fold(recordedJob, "job.submitted"), 0)).toBeUndefined();
  // A quarter of round 1 took 100 ms: 400 a round, three rounds, 100 gone.
  expect(timeLeft(fold(recordedJob, "task.progress"), 1100)).toBeCloseTo(1100);
  // Round 1 took 400 ms; 50 of round 2 are gone.
  expect(timeLeft(fold(recordedJob, "round.started", 2), 1450)).toBe(750);
  expect(timeLeft(fold(recordedJob), 9999)).toBeUndefined();
});

it("starts afresh when an interrupted job goes on", () => {
  const interrupted = applyEvent(
    fold(recordedJob, "round.started", 2),
    { event: "job.failed", code: "x", message: "" },
    0,
  );
  const submitted = recordedJob.find((event) => event.event === "job.submitted") as JobEvent;
  const resumed = applyEvent(interrupted, submitted, 0);
  expect(resumed.ended).toBeUndefined();
  expect(resumed.recent).toHaveLength(1);
});

it("takes events in any order, doubled and lost, without losing its balance", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...recordedJob), { maxLength: 60 }), (events) => {
      const view = fold(events);
      expect(stageProgress(view)).toBeGreaterThanOrEqual(0);
      expect(stageProgress(view)).toBeLessThanOrEqual(1);
      expect(new Set(view.recent.map(({ round }) => round)).size).toBe(view.recent.length);
      expect(timeLeft(view, 5000) ?? 0).toBeGreaterThanOrEqual(0);
    }),
  );
});

const retriedTask = { job: recordedJob[0]?.job, stage: { kind: "train", round: 1 }, partition: 1, attempt: 2, at: 1 };
const retry = (why: string, changes: object = {}): JobEvent =>
  JobEvent.parse({ event: "task.retried", ...retriedTask, why, ...changes });
const progress = (attempt: number, examples: number): JobEvent => {
  const { at: _, ...task } = retriedTask;
  const figures = { totalExamples: 808, metrics: { loss: attempt }, examplesPerSecond: 1 };
  return JobEvent.parse({ event: "task.progress", ...task, attempt, examples, ...figures });
};

it("counts retries and backups, and shows a retried task from its beginning", () => {
  const begun = fold([...recordedJob.slice(0, 6), progress(1, 300)]);
  const retried = applyEvent(begun, retry("silent"), 0);
  expect([retried.retries, retried.backups]).toEqual([1, 0]);
  expect(retried.executors[1]).toMatchObject({ status: "waiting", attempt: 2, examples: 0, isBackup: false });
  expect(applyEvent(retried, progress(1, 400), 0).executors).toEqual(retried.executors);
});

it("shows of a task with a backup whatever is further, and takes the end of either", () => {
  const begun = fold([...recordedJob.slice(0, 6), progress(1, 300), retry("slow")]);
  expect([begun.retries, begun.backups]).toEqual([0, 1]);
  expect(begun.executors[1]).toMatchObject({ status: "running", attempt: 2, isBackup: true, examples: 300 });
  const started = recordedJob.find((event) => event.event === "task.started" && event.partition === 1) as JobEvent;
  const second = { ...started, attempt: 2 } as JobEvent;
  const moved = [second, progress(2, 100), progress(1, 350), progress(2, 500)].reduce(
    (view, event) => applyEvent(view, event, 0),
    begun,
  );
  expect(moved.executors[1]).toMatchObject({ status: "running", attempt: 2, isBackup: true, metrics: { loss: 2 } });
  const failed = recordedJob.find((event) => event.event === "task.failed") as JobEvent;
  const oneFailed = applyEvent(moved, { ...failed, stage: { kind: "train", round: 1 }, attempt: 2 } as JobEvent, 0);
  expect(oneFailed.executors[1]).toEqual(moved.executors[1]);
  const ended = recordedJob.find((event) => event.event === "task.finished" && event.partition === 1) as JobEvent;
  expect(applyEvent(oneFailed, ended, 0).executors[1]).toMatchObject({ status: "done", attempt: 1, isBackup: false });
});

it("a task that is continued is no retry, and its progress stays", () => {
  const begun = fold([...recordedJob.slice(0, 6), progress(1, 300)]);
  const continued = applyEvent(begun, retry("continued"), 0);
  expect([continued.retries, continued.backups]).toEqual([0, 0]);
  expect(continued.executors[1]).toMatchObject({ status: "running", attempt: 2, examples: 300 });
});

it("counts the tasks that went down with a process anew each time the job goes on", () => {
  const lost = fold([...recordedJob.slice(0, 6), retry("machine-gone"), retry("machine-gone", { partition: 0 })]);
  expect([lost.retries, lost.lost]).toEqual([2, 2]);
  const resumed = applyEvent(lost, recordedJob.find((event) => event.event === "job.submitted") as JobEvent, 0);
  expect([resumed.retries, resumed.lost]).toEqual([2, 0]);
});
