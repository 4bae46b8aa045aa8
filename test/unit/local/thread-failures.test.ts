import { describe, expect, it } from "vitest";
import { Gate, makePool, type TestPool } from "./pools.js";

/** The thread goes on, or another one takes its place: either way the pool works. */
async function expectWorking({ run, said }: TestPool, thread: "same" | "new"): Promise<void> {
  await run({ do: "count" });
  expect(said.all.at(-2)).toBe(thread === "new" ? "count 1" : "count 2");
}

describe("a function that fails", () => {
  it("answers an unforeseen error with its stack, and keeps its thread", async () => {
    const pool = makePool();
    await expect(pool.run({ do: "throw" })).rejects.toMatchObject({
      name: "StampedeError",
      code: "internal.unexpected",
      message: expect.stringMatching(/^TypeError: the function broke\n.*function\.js/),
    });
    await expectWorking(pool, "same");
  });

  it("answers Stampede's own errors as they are", async () => {
    const { run } = makePool();
    const expected = { code: "training.non-finite", message: "the loss became NaN", retryable: false };
    await expect(run({ do: "refuse" })).rejects.toMatchObject(expected);
  });

  it.each([0, 7])("is reported as crashed when it exits with code %i, and replaced", async (code) => {
    const pool = makePool();
    await expect(pool.run({ do: "exit", code })).rejects.toMatchObject({
      code: "task.crashed",
      message: expect.stringContaining(`ended with exit code ${code}`),
    });
    await expectWorking(pool, "new");
  });

  it.each([
    { action: "uncaught", message: /thrown outside/ },
    { action: "unhandled", message: /rejected outside/ },
  ])("is reported as crashed after an error that is $action, and replaced", async ({ action, message }) => {
    const pool = makePool();
    await expect(pool.run({ do: action })).rejects.toMatchObject({
      code: "task.crashed",
      message: expect.stringMatching(message),
    });
    await expectWorking(pool, "new");
  });
});

describe("a function that needs too much memory", () => {
  it.each([
    { what: "objects on its heap", payload: { do: "fillHeap" } },
    { what: "buffers, while it speaks", payload: { do: "fillBuffers", mib: 4_000 } },
    { what: "buffers, when it ends", payload: { do: "fillBuffers", mib: 80 } },
    { what: "buffers, while it waits", payload: { do: "fillAndHang", mib: 80 } },
    { what: "WebAssembly memory", payload: { do: "fillWebAssembly", mib: 80 } },
  ])("is reported as out of memory and replaced: $what", async ({ payload }) => {
    const pool = makePool();
    await expect(pool.run(payload)).rejects.toMatchObject({
      code: "task.out-of-memory",
      message: expect.stringMatching(/^Expected a task to need at most 64 MiB, found /),
      details: { memoryLimitMb: 64 },
    });
    await expectWorking(pool, "new");
  });

  it("is not blamed for buffers that it no longer refers to", async () => {
    const pool = makePool();
    await pool.run({ do: "wasteBuffers", mib: 500 });
    await expectWorking(pool, "same");
  });
});

describe("a function that takes too long", () => {
  it.each(["hang", "spin"])("is stopped at its deadline, and replaced: %s", async (action) => {
    const pool = makePool();
    const running = pool.run({ do: action });
    const outcome = running.catch((error: unknown) => error);
    const thread = await pool.threadOf(action);
    await pool.clock.advance(59_999);
    expect(await Promise.race([outcome, Promise.resolve("still running")])).toBe("still running");
    await pool.clock.advance(1);
    expect(await outcome).toMatchObject({ code: "task.timed-out", retryable: true });
    await expectWorking(pool, "new");
    expect(await pool.threadOf("count")).not.toBe(thread);
  });

  it("leaves no timer behind when it ends in time", async () => {
    const { run, clock } = makePool();
    await run({ do: "nothing" });
    await expect(run({ do: "throw" })).rejects.toThrow();
    expect(clock.pending).toBe(0);
  });

  it("counts the time of waiting: work that never got a thread is timed out too", async () => {
    const { pool, run, clock, said } = makePool();
    const gate = new Gate();
    const first = run({ do: "wait", name: "first", gate: gate.buffer });
    const second = pool.run({ do: "nothing", name: "second" }, { deadlineAt: clock.now() + 5_000 });
    const outcome = second.catch((error: unknown) => error);
    await clock.advance(5_000);
    expect(await outcome).toMatchObject({
      code: "task.timed-out",
      message: "Expected a task to finish before its deadline; it was still waiting for a thread.",
    });
    gate.open();
    await first;
    expect(said.all.some((text) => text.includes("second"))).toBe(false);
  });

  it("is not even begun when its deadline is over", async () => {
    const { pool, clock, said } = makePool();
    await expect(pool.run({ do: "nothing" }, { deadlineAt: clock.now() })).rejects.toMatchObject({
      code: "task.timed-out",
      message: "Expected a task to finish before its deadline; its deadline was over before it began.",
    });
    expect(said.all).toEqual([]);
  });
});

describe("a function in native code", () => {
  it("is not ended before it comes back, also not at its deadline", async () => {
    const { pool, run, clock, threadOf } = makePool();
    const gate = new Gate();
    const outcome = run({ do: "native", gate: gate.buffer }).catch((error: unknown) => error);
    await threadOf("native");
    // Said before it begins; a look at the latch is a look at shared memory.
    while (!pool.isInNative) await new Promise(setImmediate);
    await clock.advance(60_000);
    expect(await outcome).toMatchObject({ code: "task.timed-out" });
    const closed = pool.close();
    expect(
      await Promise.race([closed.then(() => "closed"), new Promise(setImmediate).then(() => "still closing")]),
    ).toBe("still closing");
    expect(pool.isInNative).toBe(true);
    gate.open();
    await closed;
    expect([gate.isPassed, pool.isInNative]).toEqual([true, false]);
  });

  it("leaves the pool working when it takes its thread along", async () => {
    const pool = makePool();
    await expect(pool.run({ do: "nativeExit", code: 7 })).rejects.toMatchObject({ code: "task.crashed" });
    await expectWorking(pool, "new");
    await pool.pool.close();
  });
});

describe("closing a pool", () => {
  it("ends everything at once, whatever it is doing", async () => {
    const { pool, run, threadOf, clock } = makePool({ threads: 3 });
    const runs = ["hang", "spin", "hang", "nothing"].map((action, index) => run({ do: action, name: `${index}` }));
    const outcomes = Promise.allSettled(runs);
    await Promise.all(["0", "1", "2"].map(threadOf));
    await pool.close();
    const interrupted = { status: "rejected", reason: expect.objectContaining({ code: "job.interrupted" }) };
    expect(await outcomes).toEqual([interrupted, interrupted, interrupted, interrupted]);
    expect(clock.pending).toBe(0);
  });

  it("can be done twice, and refuses what comes after", async () => {
    const { pool, run } = makePool();
    await run({ do: "nothing" });
    await pool.close();
    await pool.close();
    pool.warm();
    await expect(run({ do: "nothing" })).rejects.toMatchObject({ code: "job.interrupted" });
  });
});
