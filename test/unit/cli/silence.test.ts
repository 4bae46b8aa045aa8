import { Silence, silenceLines, type Verdict } from "@stampede/cli";
import { parseJobId } from "@stampede/core";
import { expect, it } from "vitest";

const job = parseJobId("j");
const second = 1000;

/** What is judged of a job whose newest sign of life in the store is `agoMs` old. */
function judge(silence: Silence, now: number, agoMs: number, heartbeatTimeoutMs = 60 * second): Verdict {
  const lastSign = { at: now - agoMs, agoMs, from: "executor" } as const;
  return silence.judge({ status: "unfinished", kind: "train", isPrepared: true, lastSign, heartbeatTimeoutMs }, now);
}

it("says once that nothing is heard, after the time that an executor may be silent", () => {
  const silence = new Silence(undefined);
  expect(judge(silence, 100_000, 59_999).type).toBe("heard");
  expect(judge(silence, 130_000, 89_999)).toEqual({ type: "silent", forMs: 89_999 });
  expect(judge(silence, 160_000, 119_999).type).toBe("heard");
  // It was heard of, and is silent again.
  expect(judge(silence, 190_000, 1_000).type).toBe("heard");
  expect(judge(silence, 260_000, 71_000)).toEqual({ type: "silent", forMs: 71_000 });
});

it("waits for half a minute whatever the job's settings are", () => {
  const silence = new Silence(undefined);
  expect(judge(silence, 100_000, 29_999, second).type).toBe("heard");
  expect(judge(silence, 100_001, 30_000, second).type).toBe("silent");
});

it("counts what the log tells as a sign of life", () => {
  const silence = new Silence(undefined);
  silence.heard(99_000);
  expect(judge(silence, 100_000, 500_000).type).toBe("heard");
  expect(judge(silence, 159_000, 559_000)).toEqual({ type: "silent", forMs: 60_000 });
});

it("looks elsewhere while the log is silent, twice a minute", () => {
  const silence = new Silence(undefined);
  silence.heard(100_000);
  expect([129_999, 130_000].map((now) => silence.isLookDue(now))).toEqual([false, true]);
  judge(silence, 130_000, 500_000);
  expect([159_999, 160_000].map((now) => silence.isLookDue(now))).toEqual([false, true]);
});

it("gives up when asked to, but not before it has listened itself", () => {
  const silence = new Silence(4 * second);
  expect(judge(silence, 100_000, 500_000).type).toBe("silent");
  expect([100_999, 101_000].map((now) => silence.isLookDue(now))).toEqual([false, true]);
  expect(judge(silence, 103_999, 503_999).type).toBe("heard");
  expect(judge(silence, 104_000, 504_000)).toEqual({ type: "give-up", forMs: 504_000 });
  const patient = new Silence(3_600 * second);
  judge(patient, 100_000, 7_200_000);
  expect(judge(patient, 129_999, 7_229_999).type).toBe("heard");
  expect(judge(patient, 130_000, 7_230_000).type).toBe("give-up");
  expect(judge(new Silence(4 * second), 100_000, 3_999).type).toBe("heard");
});

it("says how to go on", () => {
  expect(silenceLines(job, "train", 125_000)).toEqual([
    "Nothing was heard of j for 2 min 05 s: the process that ran it is probably gone. Watching on.",
    "  Go on with it: stampede train JOB.yaml --resume j",
  ]);
  expect(silenceLines(job, "predict", 60_000)[1]).toBe("  Start it again, and end this one: stampede jobs cancel j");
});

it("never gives a job up that it was not told to give up", () => {
  const silence = new Silence(undefined);
  const unheard = { status: "unfinished", kind: "train", isPrepared: false, lastSign: undefined } as const;
  for (const now of [0, 60_000, 600_000]) {
    expect(silence.judge({ ...unheard, heartbeatTimeoutMs: 30 * second }, now).type).not.toBe("give-up");
  }
});
