import type { JobEvent } from "@stampede/core";
import { parseJobId } from "@stampede/core";
import { describe, expect, it } from "vitest";
import { functionUrl, Gate, makePool } from "./pools.js";

describe("ThreadPool", () => {
  it("forwards events and hints in order, all of them before the run resolves", async () => {
    const { run, said, events } = makePool();
    const event: JobEvent = { event: "job.failed", job: parseJobId("a"), code: "x", message: "y" };
    await run({ do: "event", event });
    expect(events).toEqual([event]);
    expect(said.all).toEqual([expect.stringMatching(/^began event /), expect.stringMatching(/^ended event /)]);
  });

  it("gives the function its settings and the time that is left", async () => {
    const { run, said } = makePool({ settings: { home: "/somewhere", nested: [1, 2] } });
    await run({ do: "settings" });
    expect(said.all[1]).toBe('{"home":"/somewhere","nested":[1,2]}');
    await run({ do: "remaining" });
    const remaining = Number(said.all[4]);
    expect(remaining).toBeGreaterThan(0);
    expect(remaining).toBeLessThanOrEqual(60_000);
  });

  it("keeps a thread and its module's state from one payload to the next", async () => {
    const { run, said } = makePool();
    for (let count = 0; count < 3; count += 1) await run({ do: "count" });
    expect(said.all.filter((text) => text.startsWith("count"))).toEqual(["count 1", "count 2", "count 3"]);
  });

  it("prefers an idle warm thread to a new one", async () => {
    const { run, said } = makePool({ threads: 4 });
    for (let count = 0; count < 3; count += 1) await run({ do: "count" }, `partition ${count}`);
    expect(said.all.filter((text) => text.startsWith("count"))).toEqual(["count 1", "count 2", "count 3"]);
  });

  it("runs as many payloads at once as it has threads", async () => {
    const { run } = makePool({ threads: 3 });
    const gate = new Gate().buffer;
    await Promise.all([1, 2, 3].map((each) => run({ do: "meet", name: each, gate, count: 3 })));
  });

  it("lets no more payloads run at once than it has threads, and the others wait in order", async () => {
    const { run, said } = makePool();
    const gate = new Gate();
    const runs = ["a", "b", "c"].map((name) => run({ do: "wait", name, gate: gate.buffer }));
    await said.next((text) => text.startsWith("began a"));
    gate.open();
    await Promise.all(runs);
    expect(said.all.map((text) => text.slice(0, 7))).toEqual([
      "began a",
      "ended a",
      "began b",
      "ended b",
      "began c",
      "ended c",
    ]);
  });

  it("starts all threads in advance when asked to", async () => {
    const { pool, run, threadOf } = makePool({ threads: 2 });
    pool.warm();
    pool.warm();
    const gate = new Gate();
    const runs = ["a", "b", "c"].map((name) => run({ do: "wait", name, gate: gate.buffer }));
    const threads = await Promise.all([threadOf("a"), threadOf("b")]);
    expect(new Set(threads).size).toBe(2);
    gate.open();
    await Promise.all(runs);
    expect(threads).toContain(await threadOf("c"));
  });

  it("rejects a payload that cannot be sent to a thread, and goes on", async () => {
    const { run, said } = makePool();
    await expect(run({ do: "nothing", callback: () => undefined })).rejects.toThrow(/could not be cloned/);
    await run({ do: "count" });
    expect(said.all).toContain("count 1");
  });
});

describe("ThreadPool affinity", () => {
  it("sends work to the idle thread that did it before", async () => {
    const { run, threadOf } = makePool({ threads: 2 });
    const gate = new Gate();
    const first = [
      run({ do: "wait", name: "p0", gate: gate.buffer }, "0"),
      run({ do: "wait", name: "p1", gate: gate.buffer }, "1"),
    ];
    const threads = { p0: await threadOf("p0"), p1: await threadOf("p1") };
    expect(threads.p0).not.toBe(threads.p1);
    gate.open();
    await Promise.all(first);
    for (const round of [1, 2, 3]) {
      await run({ do: "nothing", name: `p1.${round}` }, "1");
      await run({ do: "nothing", name: `p0.${round}` }, "0");
      expect([await threadOf(`p1.${round}`), await threadOf(`p0.${round}`)]).toEqual([threads.p1, threads.p0]);
    }
  });

  it("does not wait for that thread while another is idle", async () => {
    const { run, threadOf } = makePool({ threads: 2 });
    const gate = new Gate();
    const busy = run({ do: "wait", name: "first", gate: gate.buffer }, "0");
    await run({ do: "nothing", name: "second" }, "0");
    expect(await threadOf("second")).not.toBe(await threadOf("first"));
    gate.open();
    await busy;
  });

  it("takes waiting work whose data a thread has before older work, but not for ever", async () => {
    const { run, said } = makePool();
    const gate = new Gate();
    const runs = [
      run({ do: "wait", name: "blocker", gate: gate.buffer }, "resident"),
      run({ do: "nothing", name: "other" }, "other"),
    ];
    for (let each = 0; each < 10; each += 1) runs.push(run({ do: "nothing", name: `resident${each}` }, "resident"));
    gate.open();
    await Promise.all(runs);
    const order = said.all.filter((text) => text.startsWith("began")).map((text) => text.split(" ")[1]);
    const early = Array.from({ length: 8 }, (_, each) => `resident${each}`);
    expect(order).toEqual(["blocker", ...early, "other", "resident8", "resident9"]);
  });
});

describe("ThreadPool with a module that is no function", () => {
  it.each([
    { file: "no-handle.js", message: /no-handle\.js to export a function named "handle", found none/ },
    { file: "broken.js", message: /this module does not load/ },
    { file: "absent.js", message: /Cannot find module .*absent\.js/ },
  ])("says what is wrong with $file, every time", async ({ file, message }) => {
    const { run } = makePool({ handlerUrl: new URL(file, functionUrl).href });
    await expect(run({})).rejects.toMatchObject({
      code: "internal.unexpected",
      message: expect.stringMatching(message),
    });
    await expect(run({})).rejects.toMatchObject({
      code: "internal.unexpected",
      message: expect.stringMatching(message),
    });
  });
});
