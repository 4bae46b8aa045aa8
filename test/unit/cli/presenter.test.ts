import { logLines, makePresenter, trainSummary } from "@stampede/cli";
import { JobEvent, parseJobId } from "@stampede/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fakeHost, fakeOutput, type FakeHost } from "./fake-host.js";
import { recordedJob } from "./recorded-job.js";
import { Terminal } from "./terminal.js";

const last = recordedJob.at(-1) as Extract<JobEvent, { event: "job.succeeded" }>;

const finishedRound = recordedJob.find((event) => event.event === "round.finished") as Extract<
  JobEvent,
  { event: "round.finished" }
>;

const submittedJob = recordedJob.find((event) => event.event === "job.submitted") as Extract<
  JobEvent,
  { event: "job.submitted" }
>;

const limits = {
  taskTimeoutSeconds: 900,
  maxAttempts: 3,
  heartbeatTimeoutSeconds: 60,
  backups: true,
  quorum: 1,
  graceSeconds: 60,
};
const retries = ["failed", "silent", "timed-out", "slow", "machine-gone", "machine-gone", "continued"] as const;

function retried(partition: number, why: (typeof retries)[number]): JobEvent {
  const stage = { kind: "train", round: 1 } as const;
  return { event: "task.retried", job: parseJobId("j"), stage, partition, attempt: 2, why, at: 1 };
}

function play(host: FakeHost, json = false): void {
  const presenter = makePresenter(host, { json, epochs: 3 });
  for (const event of recordedJob) presenter.event(event);
  presenter.close(last, trainSummary(presenter.view, last, { validationName: "Test", path: (path) => path }));
}

describe("in a pipe", () => {
  it("writes every event once, the last word at the end, as JSON lines", () => {
    const host = fakeHost();
    play(host);
    const events = host.stdout.written.map((line) => JobEvent.parse(JSON.parse(line)));
    expect(events).toEqual(recordedJob);
  });

  it("tells people on stderr of data, rounds and failures, not of batches", () => {
    const host = fakeHost();
    play(host);
    expect(host.stderr.written.join("").split("\n")).toEqual([
      "train data: 1,617 rows in 2 partitions, 113.0 kB written in 0.0 s",
      "validation data: 180 rows in 2 partitions, written by an earlier job",
      "job digits-20260131-120000-0a1b2c: digits, 4,810 parameters, engine tfjs-wasm, 2 executors",
      "round 1/3: loss 0.9000, accuracy 0.7500 (0.4 s)",
      "executor 1, attempt 1 failed: task.crashed: The executor ended.",
      "round 2/3: loss 0.4000, accuracy 0.8800 (0.6 s); validation after round 1: loss 0.5000, accuracy 0.8500",
      "round 3/3: loss 0.2500, accuracy 0.9300 (0.4 s); validation after round 2: loss 0.3000, accuracy 0.9100",
      "evaluating",
      "Test accuracy 0.9444 (180 rows), loss 0.2000",
      "Training: loss 0.2500, accuracy 0.9300",
      "3 rounds on 2 executors in 1.7 s (2.3 s of computing)",
      "Weights sha256 0123456789ab",
      "Model: /nowhere/stampede-out/digits/model",
      "Next: stampede evaluate /nowhere/stampede-out/digits/model --data DATA.yaml",
      "      stampede predict /nowhere/stampede-out/digits/model --data DATA.yaml --out predictions.csv",
      "",
    ]);
  });

  it("says in one line why a job runs on a slower engine, wherever it is told", () => {
    const told = recordedJob.find((event) => event.event === "job.submitted") as Extract<
      JobEvent,
      { event: "job.submitted" }
    >;
    const slow = { ...told, engineReason: "layer conv has no lowering.\nmore" };
    const line = "engine tfjs-wasm, because compiled is not possible: layer conv has no lowering.\n";
    const piped = fakeHost();
    makePresenter(piped, { json: true }).event(slow);
    expect(piped.stderr.written.join("")).toMatch(new RegExp(`engine tfjs-wasm, 2 executors\n${line}$`));
    const live = fakeHost({ tty: fakeOutput({ isTTY: true }) });
    const presenter = makePresenter(live, { json: false });
    presenter.event(told);
    expect(live.stdout.written.join("")).not.toContain("because");
    presenter.event(slow);
    expect(live.stdout.written.join("")).toContain(line);
    presenter.close(undefined, []);
  });

  it("tells the limits of a job once it is submitted, wherever it is told", () => {
    const told = recordedJob.find((event) => event.event === "job.submitted") as JobEvent;
    const submitted = JobEvent.parse({ ...told, limits });
    const line = "limits: a task 15 min, 3 attempts, silent after 1 min, slow tasks are backed up; the job: none\n";
    const piped = fakeHost();
    makePresenter(piped, { json: true }).event(submitted);
    expect(piped.stderr.written.at(-1)).toBe(line);
    const live = fakeHost({ tty: fakeOutput({ isTTY: true }) });
    const presenter = makePresenter(live, { json: false });
    presenter.event(submitted);
    expect(live.stdout.written.join("")).toContain(line);
    presenter.close(undefined, []);
  });

  it("tells why tasks are started again, and of those that went down with a process only once", () => {
    const host = fakeHost();
    const presenter = makePresenter(host, { json: true });
    for (const [partition, why] of retries.entries()) presenter.event(retried(partition, why));
    expect(host.stderr.written.join("").split("\n")).toEqual([
      "executor 0, attempt 2 started: attempt 1 failed",
      "executor 1, attempt 2 started: attempt 1 was not heard of any more",
      "executor 2, attempt 2 started: attempt 1 did not end in time",
      "executor 3, attempt 2 started as a backup: attempt 1 was much slower than the others; the first to end counts",
      "tasks that went down with the process that ran them are started again",
      "executor 6, attempt 2 started: attempt 1 had no time left, and left a checkpoint to go on from",
      "",
    ]);
    expect(host.stdout.written).toHaveLength(retries.length);
  });

  it("tells of about a hundred rounds of a job that has many", () => {
    const host = fakeHost();
    const presenter = makePresenter(host, { json: true });
    const round = recordedJob.find((event) => event.event === "round.finished") as Extract<
      JobEvent,
      { event: "round.finished" }
    >;
    for (let number = 1; number <= 10_050; number++) presenter.event({ ...round, round: number, rounds: 10_050 });
    expect(host.stderr.written).toHaveLength(100);
    expect(host.stderr.written.at(-1)).toMatch(/^round 10050\/10050/);
    expect(host.stdout.written).toHaveLength(10_050);
  });

  it.each<readonly [string, readonly (readonly [round: number, blocks: number[] | undefined])[], number]>([
    [
      "in a round, and again in later ones",
      [
        [1, [16, 0]],
        [2, [16]],
        [3, [16, 0]],
      ],
      1,
    ],
    [
      "from one round to another",
      [
        [1, [16]],
        [2, undefined],
        [3, [8]],
      ],
      2,
    ],
    [
      "in a round that is not told",
      [
        [100, [16]],
        [101, [16, 0]],
        [200, [16]],
      ],
      101,
    ],
  ])("tells once that executors have different processors: %s", (_, rounds, toldAt) => {
    const host = fakeHost();
    const presenter = makePresenter(host, { json: true });
    const isNote = (line: string): boolean => line.includes("executors on different processors");
    for (const [round, blocks] of rounds) {
      const before = host.stderr.written.filter(isNote).length;
      presenter.event({ ...finishedRound, round, rounds: 10_000, ...(blocks && { blocks }) });
      expect(host.stderr.written.filter(isNote).length - before).toBe(round === toldAt ? 1 : 0);
    }
  });

  it("tells it when a job is resumed on another kind of processor, whose earlier rounds nobody has seen here", () => {
    const host = fakeHost();
    const presenter = makePresenter(host, { json: true });
    presenter.event({ ...submittedJob, resumed: true, blocks: [16] });
    expect(host.stderr.written.join("")).not.toContain("different processors");
    presenter.event({ ...finishedRound, round: 2 });
    expect(host.stderr.written.at(-1)).toContain("executors on different processors (blocks of 16, portable)");
    const resumed = fakeHost();
    makePresenter(resumed, { json: true }).event({ ...submittedJob, resumed: true, blocks: [16, 8] });
    expect(resumed.stderr.written.at(-1)).toContain("(blocks of 16, blocks of 8)");
  });

  it("tells it once in the log of a job too", () => {
    const rounds = [[16], [16, 0], [8]].map((blocks, at) => ({ ...finishedRound, round: at + 1, blocks }));
    expect(logLines(rounds)).toEqual([
      expect.stringMatching(/^round 1/),
      expect.stringMatching(/^round 2/),
      expect.stringContaining("executors on different processors (blocks of 16, portable)"),
      expect.stringMatching(/^round 3/),
    ]);
    expect(logLines(recordedJob).join("\n")).not.toContain("processors");
  });

  it("tells once why kernels of a processor's own were left alone", () => {
    const rounds = [undefined, "first", "second"].map((kernelReason, at) => {
      return { ...finishedRound, round: at + 1, ...(kernelReason !== undefined && { kernelReason }) };
    });
    const words = /^executors trained without blocked kernels, because they are wrong on their processor: first$/;
    expect(logLines(rounds)).toEqual(
      [/^round 1/, /^round 2/, words, /^round 3/].map((line) => expect.stringMatching(line)),
    );
    const host = fakeHost();
    const presenter = makePresenter(host, { json: true });
    for (const round of rounds) presenter.event(round);
    expect(host.stderr.written.filter((line) => line.startsWith("executors trained without"))).toHaveLength(1);
  });

  it("says its last word once, whatever comes later", () => {
    const host = fakeHost();
    const presenter = makePresenter(host, { json: true });
    presenter.event({ event: "job.failed", code: "job.cancelled", message: "told by the job" });
    presenter.close({ event: "job.failed", code: "job.cancelled", message: "told at the end" }, []);
    presenter.close(last, ["summary"]);
    for (const event of recordedJob) presenter.event(event);
    expect(host.stdout.written).toEqual([
      '{"event":"job.failed","code":"job.cancelled","message":"told at the end"}\n',
    ]);
  });
});

describe("on a terminal", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  const screenOf = (columns: number, rows: number, env = {}) => {
    const terminal = new Terminal(columns);
    const tty = { ...fakeOutput({ isTTY: true, columns, rows }), write: (text: string) => terminal.feed(text) };
    return { terminal, host: fakeHost({ tty, env }) };
  };

  it("redraws ten times a second at most and ends with rounds and summary", () => {
    const { terminal, host } = screenOf(100, 24);
    const presenter = makePresenter(host, { json: false, epochs: 3 });
    presenter.note(["the plan"]);
    for (const event of recordedJob.slice(0, 7)) presenter.event(event);
    expect(terminal.lines).toEqual(["the plan"]);
    vi.advanceTimersByTime(100);
    expect(terminal.lines).toHaveLength(4);
    expect(terminal.cursorHidden).toBe(true);
    for (const event of recordedJob.slice(7)) presenter.event(event);
    vi.advanceTimersByTime(1000);
    presenter.close(last, ["the summary"]);
    expect(terminal.lines).toEqual([
      "the plan",
      "executor 1, attempt 1 failed: task.crashed: The executor ended.",
      expect.stringMatching(/^ {2}round 1 /),
      expect.stringMatching(/^ {2}round 2 /),
      expect.stringMatching(/^ {2}round 3 .*accuracy 0.9444/),
      "the summary",
    ]);
    expect(terminal.cursorHidden).toBe(false);
    vi.advanceTimersByTime(1000);
    expect(terminal.lines).toHaveLength(6);
  });

  it.each([
    ["a narrow terminal", 30, 24, {}],
    ["a low terminal", 100, 4, {}],
    ["a dumb terminal", 100, 24, { TERM: "dumb" }],
  ])("speaks in plain lines, without JSON, on %s", (_, columns, rows, env) => {
    const { terminal, host } = screenOf(columns, rows, env);
    play(host);
    vi.advanceTimersByTime(1000);
    const shown = terminal.lines.join("");
    expect(shown).toContain("Test accuracy 0.9444");
    expect(shown).toContain("round 3/3");
    expect(shown).not.toContain("{");
  });

  it("says above the picture what it does not show of retries", () => {
    const { terminal, host } = screenOf(120, 24);
    const presenter = makePresenter(host, { json: false });
    for (const [partition, why] of retries.entries()) presenter.event(retried(partition, why));
    expect(terminal.lines.map((line) => line.slice(0, 30))).toEqual([
      "executor 1, attempt 2 started:",
      "executor 2, attempt 2 started:",
      "tasks that went down with the ",
    ]);
    presenter.close(undefined, []);
  });

  it("writes JSON lines when asked to, without a live view", () => {
    const tty = fakeOutput({ isTTY: true });
    const host = { ...fakeHost({ env: {} }), stdout: tty };
    play(host, true);
    vi.advanceTimersByTime(1000);
    expect(tty.written).toHaveLength(recordedJob.length);
  });
});
