import { jobLife, limitsLine } from "@stampede/cli";
import type { JobDetails, RoundHistory, RunningTask } from "@stampede/client";
import { parseJobId, type JobLimits } from "@stampede/core";
import { describe, expect, it } from "vitest";

const job = parseJobId("digits-20260131-120000-0a1b2c");
const at = Date.UTC(2026, 0, 31, 12);
const limits: JobLimits = {
  taskTimeoutSeconds: 900,
  maxAttempts: 3,
  heartbeatTimeoutSeconds: 60,
  backups: true,
  quorum: 1,
  graceSeconds: 60,
};
const limitsText = "limits: a task 15 min, 3 attempts, silent after 1 min, slow tasks are backed up; the job: none";

function details(changes: Partial<JobDetails> = {}): JobDetails {
  return {
    job,
    name: "digits",
    kind: "train",
    status: "succeeded",
    round: 2,
    rounds: 3,
    createdAt: at,
    endedAt: undefined,
    executors: 2,
    engine: "compiled",
    engineReason: undefined,
    threads: undefined,
    limits,
    error: undefined,
    metrics: {},
    validation: undefined,
    weightsSha256: undefined,
    history: [],
    unreadable: [],
    failures: [],
    retries: [],
    deadTask: undefined,
    underWay: undefined,
    ...changes,
  };
}

type Executor = RoundHistory["executors"][number];

function executor(partition: number, changes: Partial<Executor> = {}): Executor {
  const unknown = { tookMs: undefined, norm: undefined, memoryBytes: undefined, lateFrom: undefined };
  return { partition, attempt: 1, examples: 800, computeMs: 100, ...unknown, metrics: {}, ...changes };
}

function round(number: number, executors: readonly Executor[], changes: Partial<RoundHistory> = {}): RoundHistory {
  const metrics = { loss: 0.9 };
  const common = { committedAt: at, examples: 1617, validation: undefined, missing: [] };
  return { round: number, metrics, executors, ...common, ...changes };
}

/** The lines from the first that begins with `from` to the next empty one. */
function section(lines: readonly string[], from: string): readonly string[] {
  const start = lines.findIndex((line) => line.startsWith(from));
  const rest = start === -1 ? [] : lines.slice(start);
  const end = rest.indexOf("");
  return end === -1 ? rest : rest.slice(0, end);
}

const running = (partition: number, changes: Partial<RunningTask> = {}): RunningTask => {
  return { partition, attempt: 1, isBackup: false, startedAt: at, sign: undefined, ...changes };
};

it("says which kernels a job could not have, and where executors had different ones", () => {
  const rounds = [round(1, [executor(0, { blocks: [16] })]), round(2, [executor(0)])];
  const lines = jobLife(details({ engineReason: "the weight w differs", history: rounds }));
  expect(lines).toContain(
    "engine compiled without blocked kernels, because they are wrong on the machine that planned the job: the weight w differs",
  );
  expect(lines.join("\n")).toContain("executors on different processors (blocks of 16, portable)");
  const wrong = [round(1, [executor(0), executor(1, { kernelReason: "0.5 as loss" })])];
  expect(jobLife(details({ history: wrong }))).toContain(
    "executors trained without blocked kernels, because they are wrong on their processor: 0.5 as loss",
  );
  const idle = round(1, [executor(0, { blocks: [16] }), executor(1, { examples: 0 })]);
  for (const history of [rounds.slice(1), [idle]]) {
    expect(jobLife(details({ history })).join("\n")).not.toContain("different processors");
  }
});

it("tells the life of a job that has not ended, with its failures and how to go on", () => {
  const executors = [
    executor(0, { examples: 809 }),
    executor(1, { attempt: 2, examples: 808, computeMs: 1200, tookMs: 1400, norm: 1.25, memoryBytes: 2e8 }),
  ];
  const sign = { at: at + 27_000, agoMs: 3000, examples: 404, totalExamples: 808, memoryBytes: 1.5e8 };
  const lines = jobLife(
    details({
      status: "unfinished",
      engine: "tfjs-wasm",
      engineReason: "layer x (Foo)\u001b[2J has no lowering",
      metrics: { loss: 0.9 },
      history: [round(1, executors)],
      failures: [{ stage: "train 1", partition: 1, attempt: 1, at, code: "task.crashed", message: "gone\u001b[2J" }],
      retries: [
        { stage: "train 1", partition: 1, attempt: 2, at, why: "failed", code: "task.crashed" },
        { stage: "train 2", partition: 1, attempt: 2, at, why: "slow", code: undefined },
        { stage: "train 2", partition: 0, attempt: 2, at, why: "continued", code: undefined },
      ],
      underWay: {
        stage: { kind: "train", round: 2 },
        done: 1,
        tasks: [running(1, { sign }), running(1, { attempt: 2, isBackup: true, startedAt: at + 20_000 })],
        lastSign: { at: at + 27_000, agoMs: 3000, from: "executor" },
      },
    }),
  );
  expect(lines).toEqual([
    "digits-20260131-120000-0a1b2c: digits",
    "train, unfinished, round 2/3, 2 executors, engine tfjs-wasm",
    "engine tfjs-wasm, because compiled is not possible: layer x (Foo) [2J has no lowering",
    "created 2026-01-31 12:00:00 UTC",
    limitsText,
    "training: loss 0.9000",
    "",
    "ROUND  EXAMPLES  TRAINING     VALIDATION  SLOWEST  COUNTED",
    "1      1,617     loss 0.9000              1.4 s    executor 1: attempt 2",
    "",
    "round 1, by executor:",
    "EXECUTOR  ATTEMPT  EXAMPLES  COMPUTING  IN ALL  DELTA NORM  MEMORY",
    "0         1        809       0.1 s",
    "1         2        808       1.2 s      1.4 s   1.2500      200.0 MB",
    "",
    "train round 2/3: 1 of 2 tasks done, last sign of life 3.0 s ago (executor)",
    "EXECUTOR  ATTEMPT     STARTED   EXAMPLES  LAST SIGN  MEMORY",
    "1         1           30 s ago  404/808   3.0 s ago  150.0 MB",
    "1         2 (backup)  10 s ago            none yet",
    "",
    "1 task started again, 1 backup, 1 task continued:",
    "  train 1, executor 1, attempt 2: attempt 1 failed (task.crashed)",
    "  train 2, executor 1, attempt 2 as a backup: attempt 1 was much slower than the others",
    "  train 2, executor 0, attempt 2: attempt 1 had no time left, and left a checkpoint to go on from",
    "",
    "1 failed attempt:",
    "  train 1, executor 1, attempt 1: task.crashed: gone [2J",
    "",
    "Not ended. If a process still runs it: stampede jobs watch digits-20260131-120000-0a1b2c",
    "If it was interrupted: stampede train JOB.yaml --resume digits-20260131-120000-0a1b2c",
  ]);
});

describe("of a job that is silent", () => {
  const silent = (agoMs: number, changes: Partial<JobLimits> = {}) => {
    const underWay = { stage: undefined, done: 0, tasks: [], lastSign: { at, agoMs, from: "client" } } as const;
    return section(
      jobLife(details({ status: "unfinished", limits: { ...limits, ...changes }, underWay })),
      "not begun",
    );
  };

  it("says since when, once that is longer than an executor may be silent, and than half a minute", () => {
    expect(silent(59_000)).toEqual(["not begun: last sign of life 59 s ago (client)"]);
    const gone = "not begun: not heard of for 1 min 01 s (last: client); what ran it is probably gone";
    expect(silent(61_000)).toEqual([gone]);
    expect(silent(29_000, { heartbeatTimeoutSeconds: 1 })[0]).toContain("last sign of life");
    expect(silent(31_000, { heartbeatTimeoutSeconds: 1 })[0]).toContain("not heard of");
  });

  it("says that the cloud still prepares it, however long that takes", () => {
    const lastSign = { at, agoMs: 3_600_000, from: "driver" } as const;
    const underWay = { stage: "preparation", done: 0, tasks: [], lastSign } as const;
    expect(section(jobLife(details({ status: "unfinished", underWay }), "aws"), "being prepared")).toEqual([
      "being prepared in the cloud, last sign of life 1 h 00 min ago",
    ]);
  });

  it("says what evaluations and predictions do", () => {
    const stage = { kind: "predict", round: 0 } as const;
    const underWay = { stage, done: 1, tasks: [running(1)], lastSign: { at, agoMs: 0, from: "driver" } } as const;
    const lines = jobLife(details({ kind: "predict", status: "unfinished", rounds: 0, underWay }));
    expect(section(lines, "predict:")).toEqual([
      "predict: 1 of 2 tasks done, last sign of life 0.0 s ago (driver)",
      "EXECUTOR  ATTEMPT  STARTED    EXAMPLES  LAST SIGN  MEMORY",
      "1         1        0.0 s ago            none yet",
    ]);
  });
});

describe("of rounds", () => {
  it("names attempts, executors that were left out, and deltas that came late", () => {
    const history = [
      round(1, [executor(0), executor(1)]),
      round(2, [executor(0, { attempt: 3 })], { missing: [1] }),
      round(3, [executor(0), executor(1), executor(1, { attempt: 2, lateFrom: 2 })]),
    ];
    expect(section(jobLife(details({ history })), "ROUND").map((line) => line.slice(51))).toEqual([
      "COUNTED",
      "first attempts",
      "executor 0: attempt 3; ended without executor 1",
      "late from round 2: executor 1",
    ]);
  });

  it("shows the first, the last and the odd ones of many", () => {
    const history = Array.from({ length: 300 }, (_, index) => {
      return round(index + 1, [executor(0, index === 99 ? { attempt: 2 } : {})]);
    });
    const rounds = section(jobLife(details({ history })), "ROUND").map((line) => line.split(" ", 1)[0]);
    const lastOnes = Array.from({ length: 10 }, (_, index) => String(291 + index));
    expect(rounds).toEqual(["ROUND", "1", "2", "...", "100", "...", ...lastOnes]);
  });

  it("tells of many executors how far they lie apart", () => {
    const executors = Array.from({ length: 40 }, (_, partition) => {
      const figures = { computeMs: 1000 + partition * 10, tookMs: 1500, norm: 2 + partition / 100 };
      return executor(partition, { ...figures, attempt: partition < 6 ? 2 : 1 });
    });
    const lines = jobLife(details({ executors: 40, history: [round(1, executors)] }));
    expect(lines).toContain(
      "round 1, 40 executors: computing 1.0 s to 1.4 s; in all 1.5 s to 1.5 s; delta norm 2.0000 to 2.3900",
    );
    const named = [0, 1, 2, 3].map((partition) => `executor ${partition}: attempt 2`).join(", ");
    expect(section(lines, "ROUND")[1]).toContain(`${named} and 2 more`);
  });

  it("says how many threads each executor of the compiled engine has", () => {
    expect(jobLife(details({ threads: 1 }))[1]).toMatch(/2 executors, engine compiled \(1 thread\)$/);
    expect(jobLife(details({ threads: 2 }))[1]).toMatch(/engine compiled \(2 threads\)$/);
  });
});

describe("of what went wrong", () => {
  const failure = (partition: number, attempt: number) => {
    return { stage: "train 2", partition, attempt, at, code: "task.crashed", message: `reason ${attempt}` };
  };

  it("tells the attempts of the task that the job failed of once", () => {
    const reasons = [1, 2].map((attempt) => ({ attempt, code: "task.crashed", message: `reason ${attempt}` }));
    const deadTask = { stage: "train 2", partition: 1, at, attempts: 2, code: "task.crashed", message: "all", reasons };
    const failures = [failure(0, 1), failure(1, 1), failure(1, 2)];
    const error = { code: "task.crashed", message: "Partition 1 failed in all of its 2 attempts" };
    const lines = jobLife(details({ status: "failed", error, failures, deadTask }));
    expect(lines).toContain("error task.crashed: Partition 1 failed in all of its 2 attempts");
    expect(section(lines, "1 failed attempt")).toHaveLength(2);
    expect(section(lines, "failed of")).toEqual([
      "failed of executor 1 in train 2, after 2 attempts:",
      "  attempt 1: task.crashed: reason 1",
      "  attempt 2: task.crashed: reason 2",
    ]);
  });

  it("tells a dozen of many", () => {
    const failures = Array.from({ length: 30 }, (_, partition) => failure(partition, 1));
    const lines = section(jobLife(details({ failures })), "30 failed attempts");
    expect(lines).toHaveLength(14);
    expect(lines.at(-1)).toBe("  ... and 18 more: see --json");
  });
});

describe("the line of limits", () => {
  it.each([
    [{}, limitsText],
    [
      { taskTimeoutSeconds: 90, maxAttempts: 1, heartbeatTimeoutSeconds: 1.5, backups: false, jobTimeoutSeconds: 7260 },
      "limits: a task 1 min 30 s, 1 attempt, silent after 1.5 s, slow tasks are waited for; the job: 2 h 1 min",
    ],
    [
      { quorum: 0.75, graceSeconds: 0 },
      "limits: a task 15 min, 3 attempts, silent after 1 min, slow tasks are backed up; a round ends with 75 % of its tasks, 0 s after the usual time at the latest; the job: none",
    ],
  ])("says %j", (changes, text) => {
    expect(limitsLine({ ...limits, ...changes })).toBe(text);
  });
});

it("tells which rounds cannot be read, a line each", () => {
  const unreadable = [
    { round: undefined, key: "jobs/a/history.json", found: "damaged" },
    { round: 3, key: "jobs/a/rounds/000003/weights.safetensors", found: "damaged" },
    { round: 4, key: "jobs/a/rounds/000004/weights.safetensors", found: "missing" },
  ] as const;
  const lines = jobLife(details({ unreadable }));
  expect(section(lines, "rounds: ")).toEqual([
    "rounds: their record is damaged (jobs/a/history.json)",
    "round 3: its record is damaged (jobs/a/rounds/000003/weights.safetensors)",
    "round 4: its record is missing (jobs/a/rounds/000004/weights.safetensors)",
  ]);
  expect(jobLife(details()).join("\n")).not.toContain("record");
});
