import {
  applyEvent,
  closingLines,
  colorsFor,
  columnsOf,
  liveLines,
  startView,
  type Frame,
  type JobView,
} from "@stampede/cli";
import { parseJobId, type JobEvent } from "@stampede/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { fakeOutput } from "./fake-host.js";
import { recordedJob } from "./recorded-job.js";

const plain = colorsFor(fakeOutput(), { NO_COLOR: "1" });
const frame = (changes: Partial<Frame> = {}): Frame => ({
  now: 1100,
  columns: 100,
  rows: 24,
  colors: plain,
  unicode: true,
  epochs: 6,
  ...changes,
});
const fold = (events: readonly JobEvent[]): JobView => {
  let view = startView(0);
  for (const event of events) view = applyEvent(view, event, "at" in event ? event.at : 0);
  return view;
};
const until = (name: JobEvent["event"], times = 1): readonly JobEvent[] => {
  const indices = [...recordedJob.keys()].filter((index) => recordedJob[index]?.event === name);
  return recordedJob.slice(0, (indices[times - 1] ?? 0) + 1);
};

it("has a header and a line for each executor", () => {
  expect(liveLines(fold(until("task.progress")), frame())).toEqual([
    "digits-20260131-120000-0a1b2c · round 1/3, epoch 1/6 · 1.1 s elapsed · about 1.1 s left",
    "  executor 0 ████████████░░░░░░░░░░░░  50%   12,345 samples/s  loss 1.5000  accuracy 0.5000",
    "  executor 1 ░░░░░░░░░░░░░░░░░░░░░░░░   0%",
  ]);
});

it("shows rounds, attempts and failures", () => {
  const lines = liveLines(fold(until("task.progress", 2)), frame({ now: 1700, unicode: false, columns: 120 }));
  expect(lines[0]).toContain("round 2/3, epoch 4/6");
  expect(lines[0]).toContain("1 failed attempt");
  expect(lines[1]).toBe("  round 1  loss 0.9000  accuracy 0.7500 - 0.4 s");
  expect(lines[3]).toBe(
    "  executor 1 ############............  50%  attempt 2   12,345 samples/s  loss 1.5000  accuracy 0.5000",
  );
});

it("shows retries and backups", () => {
  const task = { job: parseJobId("j"), stage: { kind: "train", round: 2 }, partition: 0, attempt: 2, at: 1 } as const;
  const retried = (why: "slow" | "silent", partition: number): JobEvent => {
    return { event: "task.retried", ...task, why, partition };
  };
  const begun = until("task.progress", 2);
  const wide = frame({ now: 1700, unicode: false, columns: 160 });
  const one = liveLines(fold([...recordedJob.slice(0, 10), ...begun.slice(10, 13), retried("slow", 0)]), wide);
  expect(one[0]).toContain(" - 1 backup - ");
  expect(one.some((line) => /executor 0 \.+ {3}0% {2}backup$/.test(line))).toBe(true);
  const both = fold([...begun, retried("silent", 0), { ...retried("silent", 1), attempt: 3 } as JobEvent]);
  expect(liveLines(both, wide)[0]).toContain("1 failed attempt - 2 retries - ");
});

it("says that a job went on on another kind of processor", () => {
  const [round] = recordedJob.flatMap((event) => (event.event === "round.finished" ? [event] : []));
  if (round === undefined) throw new Error("no round in the recorded job");
  const headers = (...rounds: readonly JobEvent[]): string | undefined =>
    liveLines(fold([...until("round.started"), ...rounds]), frame({ columns: 160, unicode: false }))[0];
  expect(headers({ ...round, blocks: [16] })).not.toContain("processors");
  expect(headers({ ...round, blocks: [16] }, { ...round, round: 2 })).toContain(
    "mixed processors (blocks of 16, portable)",
  );
  const submitted = recordedJob.flatMap((event) =>
    event.event === "job.submitted" ? [{ ...event, resumed: true, blocks: [8] }] : [],
  );
  expect(headers({ ...round, kernelReason: "wrong" })).toContain("without blocked kernels, which are wrong here");
  expect(headers(...submitted, { ...round, blocks: [16] })).toContain("mixed processors (blocks of 16, blocks of 8)");
});

it("says what goes on before and after training", () => {
  expect(liveLines(fold([]), frame())[0]).toBe("preparing  model and data  1.1 s elapsed");
  expect(liveLines(fold(until("data.ready")), frame())[0]).toBe("preparing  train data: 1,617 rows  1.1 s elapsed");
  expect(liveLines(fold(recordedJob.slice(0, -1)), frame())[0]).toContain("evaluating");
});

it("leaves the last rounds on the screen", () => {
  expect(closingLines(fold(recordedJob), frame())).toEqual([
    "  round 1  loss 0.9000  accuracy 0.7500 · validation loss 0.5000 accuracy 0.8500 · 0.4 s",
    "  round 2  loss 0.4000  accuracy 0.8800 · validation loss 0.3000 accuracy 0.9100 · 0.6 s",
    "  round 3  loss 0.2500  accuracy 0.9300 · validation loss 0.2000 accuracy 0.9444 · 0.4 s",
  ]);
});

it("draws one line for all executors when they are more than fit", () => {
  const job = parseJobId("many");
  const stage = { kind: "train", round: 1 } as const;
  const view = fold([
    {
      event: "job.submitted",
      job,
      name: "many",
      kind: "train",
      engine: "tfjs-cpu",
      executors: 64,
      rounds: 1,
      parameters: 1,
      resumed: false,
    },
    { event: "round.started", job, stage, rounds: 1, at: 0 },
    ...Array.from({ length: 32 }, (_, partition): JobEvent => {
      return {
        event: "task.finished",
        job,
        stage,
        partition,
        attempt: 1,
        examples: 10,
        metrics: { loss: 0.5 },
        computeMs: 1,
      };
    }),
    { event: "task.started", job, stage, partition: 40, attempt: 2, at: 1 },
  ]);
  const lines = liveLines(view, frame({ rows: 20, columns: 120 }));
  expect(lines).toHaveLength(2);
  expect(lines[1]).toBe("  64 executors ████████████░░░░░░░░░░░░  50%  loss 0.5000  32 done, 1 running, 1 tried again");
});

it("never takes more rows or columns than the terminal has", () => {
  fc.assert(
    fc.property(
      fc.nat(recordedJob.length),
      fc.integer({ min: 10, max: 200 }),
      fc.integer({ min: 2, max: 60 }),
      fc.boolean(),
      (events, columns, rows, coloured) => {
        const colors = coloured ? colorsFor(fakeOutput({ isTTY: true }), {}) : plain;
        const view = fold(recordedJob.slice(0, events));
        for (const lines of [
          liveLines(view, frame({ columns, rows, colors })),
          closingLines(view, frame({ columns, rows, colors })),
        ]) {
          expect(lines.length).toBeLessThan(rows);
          for (const line of lines) expect(columnsOf(line)).toBeLessThan(columns);
        }
      },
    ),
  );
});
