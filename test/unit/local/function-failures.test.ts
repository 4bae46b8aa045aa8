import { describe, expect, it } from "vitest";
import { Gate } from "./gate.js";
import { countOf, isolations, makePool, memoryLimitMb } from "./pools.js";

describe.each(isolations)("a function that fails, %s", (isolation) => {
  it("answers an unforeseen error with its stack, and keeps its worker", async () => {
    const pool = makePool({ isolation });
    await expect(pool.run({ do: "throw" })).rejects.toMatchObject({
      name: "StampedeError",
      code: "internal.unexpected",
      message: expect.stringMatching(/^TypeError: the function broke\n.*function\.js/),
    });
    expect(await countOf(pool)).toBe("count 2");
  });

  it("answers Stampede's own errors as they are", async () => {
    const { run } = makePool({ isolation });
    const expected = { code: "training.non-finite", message: "the loss became NaN", retryable: false };
    await expect(run({ do: "refuse" })).rejects.toMatchObject(expected);
  });

  it.each([0, 7])("is reported as crashed when it exits with code %i, and replaced", async (code) => {
    const pool = makePool({ isolation });
    await expect(pool.run({ do: "exit", code })).rejects.toMatchObject({
      code: "task.crashed",
      message: expect.stringContaining(`ended with exit code ${code}`),
    });
    expect(await countOf(pool)).toBe("count 1");
  });

  it.each([
    { action: "uncaught", message: /thrown outside/ },
    { action: "unhandled", message: /rejected outside/ },
  ])("is reported as crashed after an error that is $action, and replaced", async ({ action, message }) => {
    const pool = makePool({ isolation });
    await expect(pool.run({ do: action })).rejects.toMatchObject({
      code: "task.crashed",
      message: expect.stringMatching(message),
    });
    expect(await countOf(pool)).toBe("count 1");
  });
});

describe.each(isolations)("a function that needs too much memory, %s", (isolation) => {
  const limit = memoryLimitMb[isolation];

  it.each([
    { what: "objects on its heap", payload: { do: "fillHeap" } },
    { what: "buffers, while it speaks", payload: { do: "fillBuffers", mib: 4_000 } },
    { what: "buffers, when it ends", payload: { do: "fillBuffers", mib: limit + 16 } },
    { what: "buffers, while it waits", payload: { do: "fillAndHang", mib: limit + 16 } },
    { what: "WebAssembly memory", payload: { do: "fillWebAssembly", mib: limit + 16 } },
  ])("is reported as out of memory and replaced: $what", async ({ payload }) => {
    const pool = makePool({ isolation });
    await expect(pool.run(payload)).rejects.toMatchObject({
      code: "task.out-of-memory",
      message: expect.stringContaining(`Expected a task to need at most ${limit} MiB, found `),
      details: { memoryLimitMb: limit },
    });
    expect(await countOf(pool)).toBe("count 1");
  });

  it("is not blamed for buffers that it no longer refers to", async () => {
    const pool = makePool({ isolation });
    await pool.run({ do: "wasteBuffers", mib: 500 });
    expect(await countOf(pool)).toBe("count 2");
  });

  it("can ask how much it uses", async () => {
    const { run, said } = makePool({ isolation });
    const used = async (): Promise<number> => {
      await run({ do: "used" });
      return Number(said.all.at(-2));
    };
    const before = await used();
    await run({ do: "fillBuffers", mib: 20 });
    const after = await used();
    expect(before).toBeGreaterThan(2 ** 20);
    expect(after - before).toBeGreaterThan(15 * 2 ** 20);
    expect(after).toBeLessThan(limit * 2 ** 20);
  });
});

describe.each(isolations)("a function that takes too long, %s", (isolation) => {
  it.each(["hang", "spin"])("is stopped at its deadline, and replaced: %s", async (action) => {
    const pool = makePool({ isolation });
    const running = pool.run({ do: action });
    const outcome = running.catch((error: unknown) => error);
    const worker = await pool.workerOf(action);
    await pool.clock.advance(59_999);
    expect(await Promise.race([outcome, Promise.resolve("still running")])).toBe("still running");
    await pool.clock.advance(1);
    expect(await outcome).toMatchObject({ code: "task.timed-out", retryable: true });
    expect(await countOf(pool)).toBe("count 1");
    expect(await pool.workerOf("count")).not.toBe(worker);
  });

  it("leaves no timer behind when it ends in time", async () => {
    const { run, clock } = makePool({ isolation });
    await run({ do: "nothing" });
    await expect(run({ do: "throw" })).rejects.toThrow();
    expect(clock.pending).toBe(0);
  });

  it("counts the time of waiting: work that never got its turn is timed out too", async () => {
    const { pool, run, clock, said } = makePool({ isolation });
    const gate = await Gate.make();
    const first = run({ do: "wait", name: "first", gate: gate.path });
    const second = pool.run({ do: "nothing", name: "second" }, { deadlineAt: clock.now() + 5_000 });
    const outcome = second.catch((error: unknown) => error);
    await clock.advance(5_000);
    expect(await outcome).toMatchObject({
      code: "task.timed-out",
      message: `Expected a task to finish before its deadline; it was still waiting for a ${isolation}.`,
    });
    gate.open();
    await first;
    expect(said.all.some((text) => text.includes("second"))).toBe(false);
  });

  it("is not even begun when its deadline is over", async () => {
    const { pool, clock, said } = makePool({ isolation });
    await expect(pool.run({ do: "nothing" }, { deadlineAt: clock.now() })).rejects.toMatchObject({
      code: "task.timed-out",
      message: "Expected a task to finish before its deadline; its deadline was over before it began.",
    });
    expect(said.all).toEqual([]);
  });
});

describe.each(isolations)("closing a pool, %s", (isolation) => {
  it("ends everything at once, whatever it is doing", async () => {
    const { pool, run, workerOf, clock } = makePool({ isolation, workers: 3 });
    const runs = ["hang", "spin", "hang", "nothing"].map((action, index) => run({ do: action, name: `${index}` }));
    const outcomes = Promise.allSettled(runs);
    await Promise.all(["0", "1", "2"].map(workerOf));
    await pool.close();
    const interrupted = { status: "rejected", reason: expect.objectContaining({ code: "job.interrupted" }) };
    expect(await outcomes).toEqual([interrupted, interrupted, interrupted, interrupted]);
    expect(clock.pending).toBe(0);
  });

  it("can be done twice, and refuses what comes after", async () => {
    const { pool, run } = makePool({ isolation });
    await run({ do: "nothing" });
    await pool.close();
    await pool.close();
    pool.warm();
    await expect(run({ do: "nothing" })).rejects.toMatchObject({ code: "job.interrupted" });
  });
});
