import { parseJobId, type JobEvent } from "@stampede/core";
import { EventRecorder, ManualClock, SequentialUnique } from "@stampede/testing";
import { describe, expect, it } from "vitest";

describe("ManualClock", () => {
  it("calls timers in the order of their times, each at its own time", async () => {
    const clock = new ManualClock(0);
    const calls: string[] = [];
    const call = (name: string) => () => void calls.push(`${name} at ${clock.now()}`);
    clock.after(30, call("c"));
    clock.after(10, call("a"));
    clock.after(10, call("b"));
    clock.after(31, call("later"));
    await clock.advance(30);
    expect(calls).toEqual(["a at 10", "b at 10", "c at 30"]);
    expect([clock.now(), clock.pending]).toEqual([30, 1]);
  });

  it("calls timers that are set meanwhile, also after a promise", async () => {
    const clock = new ManualClock(0);
    const calls: number[] = [];
    const again = (): void => {
      calls.push(clock.now());
      void Promise.resolve().then(() => clock.after(10, again));
    };
    clock.after(10, again);
    await clock.advance(35);
    expect(calls).toEqual([10, 20, 30]);
  });

  it("calls no timer that was cancelled, and none at once", async () => {
    const clock = new ManualClock(0);
    let calls = 0;
    const cancel = clock.after(0, () => (calls += 1));
    expect(calls).toBe(0);
    cancel();
    clock.after(-5, () => (calls += 1));
    await clock.advance(0);
    expect(calls).toBe(1);
  });
});

describe("SequentialUnique", () => {
  it("never says the same twice, and has the width asked for", () => {
    const unique = new SequentialUnique();
    expect([unique.hex(4), unique.hex(4), unique.hex(2)]).toEqual(["0000", "0001", "02"]);
    for (let each = 3; each < 16; each += 1) unique.hex(1);
    expect(() => unique.hex(1)).toThrow(RangeError);
  });
});

describe("EventRecorder", () => {
  const event = (code: string): JobEvent => ({ event: "job.failed", job: parseJobId("a"), code, message: "m" });

  it("finds events by kind, and waits for those to come", async () => {
    const recorder = new EventRecorder();
    recorder.emit(event("first"));
    const fits = (code: string) => (each: JobEvent) => each.event === "job.failed" && each.code === code;
    const waiting = recorder.next(fits("second"));
    expect(await recorder.next(fits("first"))).toEqual(event("first"));
    recorder.emit(event("second"));
    expect(await waiting).toEqual(event("second"));
    expect(recorder.of("job.failed").map(({ code }) => code)).toEqual(["first", "second"]);
    expect(recorder.of("task.started")).toEqual([]);
  });
});
