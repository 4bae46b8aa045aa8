import { JobStory, type SeenFacts } from "@stampede/client";
import { decide, type FailureRecord, type JobEvent } from "@stampede/core";
import { expect, it } from "vitest";
import { factsOf, failureOf, headOf, signOf } from "../../support/job-facts.js";
import { makeJobSpec } from "../../support/job-specs.js";

const spec = makeJobSpec({ partitionRows: [100, 100] });
const head = headOf(spec, decide(factsOf(spec), 1000));
const seen: SeenFacts = {
  head,
  records: [],
  failures: [],
  retries: [],
  progress: [],
  outputs: new Set(),
  evaluations: [],
  endedAt: undefined,
};
const stage = { kind: "train", round: 1 } as const;
const { job } = spec;

/** What two looks tell, one after the other. */
function inTurn(...looks: readonly Partial<SeenFacts>[]): readonly (readonly JobEvent[])[] {
  const story = new JobStory(spec, 0);
  return looks.map((look) => story.advance({ ...seen, ...look }));
}

it("tells nothing before the driver's first decision", () => {
  expect(inTurn({ head: undefined })).toEqual([[]]);
});

it("tells each stage once, however often it is seen", () => {
  const [first, second] = inTurn({}, {});
  expect(first).toEqual([{ event: "round.started", job, stage, rounds: 2, at: 1000 }]);
  expect(second).toEqual([]);
});

it("tells progress from signs of life, and only what is new", () => {
  const sign = signOf(spec, 1, 1, 3000);
  const [, second, third, fourth] = inTurn(
    {},
    { progress: [sign] },
    { progress: [sign] },
    { progress: [{ ...sign, at: 5000, examples: 8 }] },
  );
  const task = { job, stage, partition: 1, attempt: 1 };
  const progress = { event: "task.progress", ...task, totalExamples: 10, metrics: {} };
  expect(second).toEqual([
    { event: "task.started", ...task, at: 1000 },
    { ...progress, examples: 5, examplesPerSecond: 2.5 },
  ]);
  expect(third).toEqual([]);
  expect(fourth).toEqual([{ ...progress, examples: 8, examplesPerSecond: 2 }]);
});

it("a delta that is there has trained all of its examples; its metrics come with the round", () => {
  const [events = []] = inTurn({ outputs: new Set([0]) });
  expect(events.map(({ event }) => event)).toEqual(["round.started", "task.started", "task.progress"]);
  expect(events.at(-1)).toMatchObject({ partition: 0, examples: 100, totalExamples: 100 });
});

it("failures and retries are told in their order in time, each once", () => {
  const failures = [failureOf(spec, 0, 1), { ...failureOf(spec, 1, 1), failedAt: 1500 }];
  const error = failures[0]?.error;
  const retry = {
    version: 1,
    job,
    stage,
    partition: 1,
    attempt: 2,
    at: 1600,
    why: "failed",
    ...(error && { error }),
  } as const;
  const [first = [], second] = inTurn({ failures, retries: [retry] }, { failures, retries: [retry] });
  expect(first.slice(1)).toEqual([
    { event: "task.failed", job, stage, partition: 1, attempt: 1, code: "task.crashed", message: "why" },
    { event: "task.retried", job, stage, partition: 1, attempt: 2, why: "failed", code: "task.crashed", at: 1600 },
    { event: "task.failed", job, stage, partition: 0, attempt: 1, code: "task.crashed", message: "why" },
  ]);
  expect(second).toEqual([]);
});

it("an attempt that is to be continued has not failed", () => {
  const ended: FailureRecord = { ...failureOf(spec, 0, 1), continuesAt: 5 };
  const [events = []] = inTurn({ failures: [ended] });
  expect(events.map(({ event }) => event)).toEqual(["round.started"]);
});
