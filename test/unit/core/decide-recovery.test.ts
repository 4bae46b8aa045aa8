import { decide, needsProgress, type JobFacts, type Wake } from "@stampede/core";
import { describe, expect, it } from "vitest";
import { factsOf, failureOf, headOf, signOf, startsOf } from "../../support/job-facts.js";
import { makeJobSpec } from "../../support/job-specs.js";

const spec = makeJobSpec({ partitionRows: [10, 10], training: { epochs: 2, backups: false } });
const head = headOf(spec, decide(factsOf(spec), 1000));
const look = (at: number, overrides: Partial<JobFacts> = {}) => decide(factsOf(spec, { head, ...overrides }), at);
const woken = (overrides: Partial<Wake>): Wake => ({
  executorsGone: false,
  redelivered: false,
  firedTimer: undefined,
  ...overrides,
});

describe("an executor that was heard of", () => {
  it("counts as lost after heartbeatTimeoutSeconds of silence, and that is a failure", () => {
    const progress = [signOf(spec, 0, 1, 5000), signOf(spec, 1, 1, 60_000)];
    expect(startsOf(look(64_999, { progress }))).toEqual([]);
    const silent = look(65_000, { progress });
    expect(startsOf(silent)).toEqual([[0, 2]]);
    expect(silent.head?.tasks.failures).toEqual([1, 0]);
    expect(silent.actions.at(-1)).toMatchObject({ retry: { why: "silent", error: { code: "task.silent" } } });
    expect(silent.actions.at(-1)).toMatchObject({
      retry: {
        error: {
          message:
            "Attempt 1 of partition 0 had trained 5 of 10 examples and was then not heard of for 60 s (training.heartbeatTimeoutSeconds).",
        },
      },
    });
  });

  it("may be silent for five times its longest piece of work", () => {
    const progress = [signOf(spec, 0, 1, 5000, 20_000), signOf(spec, 1, 1, 100_000)];
    expect(startsOf(look(104_999, { progress }))).toEqual([]);
    expect(startsOf(look(105_000, { progress }))).toEqual([[0, 2]]);
  });

  it("is looked at when its silence would end, and one that has not begun every minute", () => {
    const progress = [signOf(spec, 0, 1, 50_000)];
    expect(look(61_000, { progress }).actions).toEqual([{ type: "wake", at: 110_000 }]);
    expect(look(61_000).actions).toEqual([{ type: "wake", at: 121_000 }]);
  });

  it("is not asked for in the first minute of a stage, unless a message came twice", () => {
    expect(needsProgress(spec, 1000, woken({}), 60_999)).toBe(false);
    expect(needsProgress(spec, 1000, woken({}), 61_000)).toBe(true);
    expect(needsProgress(spec, 1000, woken({ redelivered: true }), 1001)).toBe(true);
  });

  it("signs of an older attempt say nothing of the one that replaced it", () => {
    const again = headOf(spec, look(2000, { failures: [failureOf(spec, 0, 1)] }));
    const facts = factsOf(spec, {
      head: again,
      failures: [failureOf(spec, 0, 1)],
      progress: [signOf(spec, 0, 1, 1500)],
    });
    expect(startsOf(decide(facts, 200_000))).toEqual([]);
  });
});

describe("a machine that went down", () => {
  const gone = woken({ executorsGone: true });

  it("costs no task an attempt, however long the job was left alone", () => {
    const later = look(10_000_000, { wake: gone, progress: [signOf(spec, 0, 1, 5000)] });
    expect(startsOf(later)).toEqual([
      [0, 2],
      [1, 2],
    ]);
    expect(later.head?.tasks.failures).toEqual([0, 0]);
    expect(later.actions.at(-1)).toMatchObject({ retry: { why: "machine-gone" } });
  });

  it("does not excuse a failure that was reported before", () => {
    const again = look(2000, { wake: gone, failures: [failureOf(spec, 0, 1)] });
    expect(again.head?.tasks.failures).toEqual([1, 0]);
  });
});

describe("a message that is delivered again", () => {
  it("sets the timer and starts the tasks again that show no sign of life, as the same attempt", () => {
    const again = look(2000, { wake: woken({ redelivered: true }), progress: [signOf(spec, 1, 1, 1500)] });
    expect(startsOf(again)).toEqual([[0, 1]]);
    expect(again.actions[0]?.type).toBe("wake");
    expect(again.head?.tasks).toEqual(head.tasks);
  });

  it("starts nothing that has ended", () => {
    const again = look(2000, { wake: woken({ redelivered: true }), outputs: new Set([0, 1]) });
    expect(startsOf(again)).toEqual([]);
  });
});

describe("a timer", () => {
  it("that has come due is not pending, whatever the clock says", () => {
    // The clock was set back by half a minute.
    const early = head.timerAt - 30_000;
    expect(look(early, { wake: woken({}) }).actions).toEqual([]);
    expect(look(early, { wake: woken({ firedTimer: head.timerAt }) }).actions).toMatchObject([{ type: "wake" }]);
    expect(look(early, { wake: woken({ firedTimer: 5 }) }).actions).toEqual([]);
  });
});

describe("memory", () => {
  it("a task that ran out of it is frugal from then on, in later rounds too", () => {
    const failures = [failureOf(spec, 1, 1, { code: "task.out-of-memory" })];
    const again = look(2000, { failures });
    expect(again.actions.at(-1)).toMatchObject({ type: "start", partition: 1, attempt: 2, frugal: true });
    const next = decide(factsOf(spec, { head: headOf(spec, again), weightsCommitted: true }), 3000);
    expect(next.head?.frugal).toEqual([1]);
    const frugal = next.actions.flatMap((action) => (action.type === "start" ? [action.frugal] : []));
    expect(frugal).toEqual([false, true]);
  });
});

describe("many partitions", () => {
  it("10,000 tasks are reviewed in time that grows with their number only", () => {
    const partitionRows = Array.from({ length: 10_000 }, () => 1);
    const large = makeJobSpec({ partitionRows, training: { epochs: 1 } });
    const begun = headOf(large, decide(factsOf(large), 1000));
    const progress = partitionRows.map((_, partition) => signOf(large, partition, 1, 50_000));
    const failures = partitionRows.map((_, partition) => failureOf(large, partition, 1));
    const again = decide(factsOf(large, { head: begun, progress, failures }), 61_000);
    expect(startsOf(again)).toHaveLength(10_000);
    expect(again.head?.durations.length).toBeLessThanOrEqual(64);
  });
});
