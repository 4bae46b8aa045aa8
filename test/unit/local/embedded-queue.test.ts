import { EmbeddedQueue } from "@stampede/local";
import { ManualClock } from "@stampede/testing";
import { describe, expect, it } from "vitest";

function makeQueue(maxReceives?: number): {
  queue: EmbeddedQueue;
  clock: ManualClock;
  bodies: () => Promise<string[]>;
} {
  const clock = new ManualClock();
  const queue = new EmbeddedQueue({ clock, timers: clock, ...(maxReceives !== undefined && { maxReceives }) });
  const bodies = async (): Promise<string[]> =>
    (await queue.receive({ max: 10, waitMs: 0, visibilityMs: 1_000 })).map(({ body }) => body);
  return { queue, clock, bodies };
}

describe("EmbeddedQueue", () => {
  it("delivers in the order in which messages became visible", async () => {
    const { queue, clock, bodies } = makeQueue();
    await queue.send("late", { delayMs: 20 });
    await queue.send("soon", { delayMs: 10 });
    await queue.send("first");
    await queue.send("second");
    await clock.advance(20);
    expect(await bodies()).toEqual(["first", "second", "soon", "late"]);
  });

  it("shows a delayed message at its millisecond, not before", async () => {
    const { queue, clock, bodies } = makeQueue();
    await queue.send("later", { delayMs: 100 });
    await clock.advance(99);
    expect(await bodies()).toEqual([]);
    await clock.advance(1);
    expect(await bodies()).toEqual(["later"]);
    await clock.advance(999);
    expect(await bodies()).toEqual([]);
    await clock.advance(1);
    expect(await bodies()).toEqual(["later"]);
  });

  it("needs no time at all to hand a message to a waiting receiver", async () => {
    const { queue, clock } = makeQueue();
    const waiting = queue.receive({ max: 10, waitMs: 20_000, visibilityMs: 1_000 });
    const before = clock.now();
    await queue.send("hello");
    expect(await waiting).toEqual([{ id: "1", body: "hello", receiveCount: 1, receipt: "1:1" }]);
    expect(clock.now()).toBe(before);
    // Only the timer of the message's visibility is left, none of the receiver's.
    expect(clock.pending).toBe(1);
  });

  it("serves the receiver that waits longest", async () => {
    const { queue } = makeQueue();
    const order: string[] = [];
    const waiting = ["a", "b", "c"].map(async (name) => {
      const [message] = await queue.receive({ max: 1, waitMs: 20_000, visibilityMs: 1_000 });
      order.push(`${name} got ${message?.body}`);
    });
    for (const body of ["1", "2", "3"]) await queue.send(body);
    await Promise.all(waiting);
    expect(order).toEqual(["a got 1", "b got 2", "c got 3"]);
  });

  it("gives a receiver that gave up nothing, and its message to the next", async () => {
    const { queue, clock, bodies } = makeQueue();
    const waiting = queue.receive({ max: 1, waitMs: 1_000, visibilityMs: 1_000 });
    await clock.advance(1_000);
    expect(await waiting).toEqual([]);
    await queue.send("late");
    expect(await bodies()).toEqual(["late"]);
  });

  it("comes back at once when it is received without visibility", async () => {
    const { queue, bodies } = makeQueue();
    await queue.send("again");
    expect(await queue.receive({ max: 1, waitMs: 0, visibilityMs: 0 })).toMatchObject([{ receiveCount: 1 }]);
    expect(await bodies()).toEqual(["again"]);
  });

  it("tells of dead letters when and after how many deliveries they died", async () => {
    const { queue, clock, bodies } = makeQueue(2);
    await queue.send("poison");
    await bodies();
    await clock.advance(1_000);
    await bodies();
    const diedAt = clock.now() + 1_000;
    await clock.advance(5_000);
    expect(queue.deadLetters()).toEqual([{ id: "1", body: "poison", receiveCount: 2, diedAt }]);
    expect(await bodies()).toEqual([]);
  });

  it("permits five deliveries by default", async () => {
    const { queue, clock, bodies } = makeQueue();
    await queue.send("poison");
    for (let count = 0; count < 5; count += 1) {
      expect(queue.deadLetters()).toEqual([]);
      expect(await bodies()).toEqual(["poison"]);
      await clock.advance(1_000);
    }
    expect(queue.deadLetters()).toHaveLength(1);
  });

  it("leaves nothing behind when it is closed", async () => {
    const { queue, clock, bodies } = makeQueue();
    await queue.send("delivered");
    await bodies();
    await queue.send("delayed", { delayMs: 10 });
    const waiting = queue.receive({ max: 1, waitMs: 20_000, visibilityMs: 1_000 });
    expect(clock.pending).toBe(3);
    queue.close();
    expect(await waiting).toEqual([]);
    expect(clock.pending).toBe(0);
    await queue.send("too late", { delayMs: 10 });
    expect(clock.pending).toBe(0);
    await expect(bodies()).rejects.toMatchObject({ code: "job.interrupted" });
  });

  it.each([
    {
      what: "a batch of 0",
      call: (queue: EmbeddedQueue) => queue.receive({ max: 0, waitMs: 0, visibilityMs: 0 }),
      name: "max",
    },
    {
      what: "a batch of 11",
      call: (queue: EmbeddedQueue) => queue.receive({ max: 11, waitMs: 0, visibilityMs: 0 }),
      name: "max",
    },
    {
      what: "a wait of 21 s",
      call: (queue: EmbeddedQueue) => queue.receive({ max: 1, waitMs: 21_000, visibilityMs: 0 }),
      name: "waitMs",
    },
    {
      what: "negative visibility",
      call: (queue: EmbeddedQueue) => queue.receive({ max: 1, waitMs: 0, visibilityMs: -1 }),
      name: "visibilityMs",
    },
    {
      what: "a delay of more than 15 minutes",
      call: (queue: EmbeddedQueue) => queue.send("x", { delayMs: 900_001 }),
      name: "delayMs",
    },
    {
      what: "a delay that is no number",
      call: (queue: EmbeddedQueue) => queue.send("x", { delayMs: Number.NaN }),
      name: "delayMs",
    },
    {
      what: "an extension of a day",
      call: (queue: EmbeddedQueue) => queue.extend("x", 86_400_000),
      name: "visibilityMs",
    },
  ])("refuses $what", async ({ call, name }) => {
    const { queue } = makeQueue();
    await expect(call(queue)).rejects.toMatchObject({ code: "option.invalid", details: { option: name } });
  });
});
