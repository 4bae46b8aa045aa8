import type { JobEvent } from "@stampede/core";
import { parseJobId } from "@stampede/core";
import { describe, expect, it } from "vitest";
import { Gate } from "./gate.js";
import { functionUrl, isolations, makePool } from "./pools.js";

describe.each(isolations)("FunctionPool of each %s", (isolation) => {
  it("forwards events and hints in order, all of them before the run resolves", async () => {
    const { run, said, events } = makePool({ isolation });
    const event: JobEvent = { event: "job.failed", job: parseJobId("a"), code: "x", message: "y" };
    await run({ do: "event", event });
    expect(events).toEqual([event]);
    expect(said.all).toEqual([expect.stringMatching(/^began event /), expect.stringMatching(/^ended event /)]);
  });

  it("gives the function its settings and the time that is left", async () => {
    const { run, said } = makePool({ isolation, settings: { home: "/somewhere", nested: [1, 2] } });
    await run({ do: "settings" });
    expect(said.all[1]).toBe('{"home":"/somewhere","nested":[1,2]}');
    await run({ do: "remaining" });
    const remaining = Number(said.all[4]);
    expect(remaining).toBeGreaterThan(0);
    expect(remaining).toBeLessThanOrEqual(60_000);
  });

  it("keeps a worker and its module's state from one payload to the next", async () => {
    const { run, said } = makePool({ isolation });
    for (let count = 0; count < 3; count += 1) await run({ do: "count" });
    expect(said.all.filter((text) => text.startsWith("count"))).toEqual(["count 1", "count 2", "count 3"]);
  });

  it("prefers an idle warm worker to a new one", async () => {
    const { run, said } = makePool({ isolation, workers: 4 });
    for (let count = 0; count < 3; count += 1) await run({ do: "count" }, `partition ${count}`);
    expect(said.all.filter((text) => text.startsWith("count"))).toEqual(["count 1", "count 2", "count 3"]);
  });

  it("runs as many payloads at once as it has workers", async () => {
    const { run } = makePool({ isolation, workers: 3 });
    const gate = await Gate.make({ count: 3 });
    await Promise.all([1, 2, 3].map((each) => run({ do: "wait", name: each, gate: gate.path })));
  });

  it("lets no more payloads run at once than it has workers, and the others wait in order", async () => {
    const { run, said } = makePool({ isolation });
    const gate = await Gate.make();
    const runs = ["a", "b", "c"].map((name) => run({ do: "wait", name, gate: gate.path }));
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

  it("starts all workers in advance when asked to", async () => {
    const { pool, run, workerOf } = makePool({ isolation, workers: 2 });
    pool.warm();
    pool.warm();
    const gate = await Gate.make();
    const runs = ["a", "b", "c"].map((name) => run({ do: "wait", name, gate: gate.path }));
    const workers = await Promise.all([workerOf("a"), workerOf("b")]);
    expect(new Set(workers).size).toBe(2);
    gate.open();
    await Promise.all(runs);
    expect(workers).toContain(await workerOf("c"));
  });

  it("rejects a payload that cannot be sent to a worker, and goes on", async () => {
    const { run, said } = makePool({ isolation });
    await expect(run({ do: "nothing", callback: () => undefined })).rejects.toThrow(/could not be cloned/);
    await run({ do: "count" });
    expect(said.all).toContain("count 1");
  });
});

describe.each(isolations)("FunctionPool affinity, %s", (isolation) => {
  it("sends work to the idle worker that did it before", async () => {
    const { run, workerOf } = makePool({ isolation, workers: 2 });
    const gate = await Gate.make();
    const first = [
      run({ do: "wait", name: "p0", gate: gate.path }, "0"),
      run({ do: "wait", name: "p1", gate: gate.path }, "1"),
    ];
    const workers = { p0: await workerOf("p0"), p1: await workerOf("p1") };
    expect(workers.p0).not.toBe(workers.p1);
    gate.open();
    await Promise.all(first);
    for (const round of [1, 2, 3]) {
      await run({ do: "nothing", name: `p1.${round}` }, "1");
      await run({ do: "nothing", name: `p0.${round}` }, "0");
      expect([await workerOf(`p1.${round}`), await workerOf(`p0.${round}`)]).toEqual([workers.p1, workers.p0]);
    }
  });

  it("does not wait for that worker while another is idle", async () => {
    const { run, workerOf } = makePool({ isolation, workers: 2 });
    const gate = await Gate.make();
    const busy = run({ do: "wait", name: "first", gate: gate.path }, "0");
    await run({ do: "nothing", name: "second" }, "0");
    expect(await workerOf("second")).not.toBe(await workerOf("first"));
    gate.open();
    await busy;
  });

  it("takes waiting work whose data a worker has before older work, but not for ever", async () => {
    const { run, said } = makePool({ isolation });
    const gate = await Gate.make();
    const runs = [
      run({ do: "wait", name: "blocker", gate: gate.path }, "resident"),
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

describe.each(isolations)("FunctionPool with a module that is no function, %s", (isolation) => {
  it.each([
    { file: "no-handle.js", message: /no-handle\.js to export a function named "handle", found none/ },
    { file: "broken.js", message: /this module does not load/ },
    { file: "absent.js", message: /Cannot find module .*absent\.js/ },
  ])("says what is wrong with $file, every time", async ({ file, message }) => {
    const { run } = makePool({ isolation, handlerUrl: new URL(file, functionUrl).href });
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
