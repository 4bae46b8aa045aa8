import { expect, it } from "vitest";
import { countOf, makePool } from "./pools.js";

/** Native code of the fixture, as seen through memory that is shared with it: it runs until it is let go on. */
class NativeWork {
  readonly cells = new SharedArrayBuffer(8);

  get isPassed(): boolean {
    return Atomics.load(new Int32Array(this.cells), 1) === 1;
  }

  end(): void {
    const cells = new Int32Array(this.cells);
    Atomics.store(cells, 0, 1);
    Atomics.notify(cells, 0);
  }
}

it("native code in a thread is not ended before it comes back, also not at its deadline", async () => {
  const { pool, run, clock, workerOf } = makePool();
  const work = new NativeWork();
  const outcome = run({ do: "native", cells: work.cells }).catch((error: unknown) => error);
  await workerOf("native");
  // Said before it begins; a look at the latch is a look at shared memory.
  while (!pool.isInNative) await new Promise(setImmediate);
  await clock.advance(60_000);
  expect(await outcome).toMatchObject({ code: "task.timed-out" });
  const closed = pool.close();
  expect(await Promise.race([closed.then(() => "closed"), new Promise(setImmediate).then(() => "still closing")])).toBe(
    "still closing",
  );
  expect(pool.isInNative).toBe(true);
  work.end();
  await closed;
  expect([work.isPassed, pool.isInNative]).toEqual([true, false]);
});

it("a thread that native code takes along leaves the pool working", async () => {
  const pool = makePool();
  await expect(pool.run({ do: "nativeExit", code: 7 })).rejects.toMatchObject({ code: "task.crashed" });
  expect(await countOf(pool)).toBe("count 1");
  await pool.pool.close();
});

it("native code in a process is cut off at its deadline, and the process replaced", async () => {
  const pool = makePool({ isolation: "process" });
  const outcome = pool.run({ do: "nativeSpin" }).catch((error: unknown) => error);
  await pool.workerOf("nativeSpin");
  expect(pool.pool.isInNative).toBe(false);
  await pool.clock.advance(60_000);
  expect(await outcome).toMatchObject({ code: "task.timed-out" });
  expect(await countOf(pool)).toBe("count 1");
});
