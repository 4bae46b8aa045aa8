import type { QueueMessage } from "@stampede/core";
import { consume, eachMessage, EmbeddedQueue, type ConsumeOptions } from "@stampede/local";
import { ManualClock } from "@stampede/testing";
import { describe, expect, it } from "vitest";

const visibilityMs = 1_000;

interface Setup {
  readonly queue: EmbeddedQueue;
  readonly clock: ManualClock;
  readonly stop: () => Promise<void>;
}

function consuming(options: Omit<ConsumeOptions, "visibilityMs">): Setup {
  const clock = new ManualClock();
  const queue = new EmbeddedQueue({ clock, timers: clock, maxReceives: 3 });
  const stopped = new AbortController();
  const ended = consume(queue, stopped.signal, { visibilityMs, ...options });
  const stop = async (): Promise<void> => {
    stopped.abort();
    await ended;
  };
  return { queue, clock, stop };
}

function makeGate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

const bodiesOf = (messages: readonly QueueMessage[]): string => messages.map(({ body }) => body).join(" ");

describe("consume", () => {
  it("hands messages over and deletes them when the handler resolves", async () => {
    const handled: string[] = [];
    const { queue, clock, stop } = consuming({
      batchSize: 1,
      handler: (messages) => Promise.resolve(void handled.push(bodiesOf(messages))),
    });
    for (const body of ["a", "b", "c"]) await queue.send(body);
    await clock.advance(10 * visibilityMs);
    expect(handled).toEqual(["a", "b", "c"]);
    expect(queue.deadLetters()).toEqual([]);
    await stop();
  });

  it("a message that failed comes back after retryMs, where that is set, and not only when its visibility ends", async () => {
    const handled: string[] = [];
    const { queue, clock, stop } = consuming({
      batchSize: 1,
      retryMs: 200,
      handler: async (messages): Promise<void> => {
        handled.push(bodiesOf(messages));
        await Promise.resolve();
        if (handled.length === 1) throw new Error("once");
      },
    });
    await queue.send("a");
    await clock.advance(199);
    expect(handled).toEqual(["a"]);
    await clock.advance(1);
    expect(handled).toEqual(["a", "a"]);
    await stop();
  });

  it("hands over together what came while the handler was busy", async () => {
    const handled: string[] = [];
    const gate = makeGate();
    const { queue, clock, stop } = consuming({
      batchSize: 2,
      handler: async (messages) => {
        handled.push(bodiesOf(messages));
        await gate.opened;
      },
    });
    for (const body of ["a", "b", "c", "d"]) await queue.send(body);
    await clock.advance(0);
    expect(handled).toEqual(["a"]);
    gate.open();
    await clock.advance(0);
    expect(handled).toEqual(["a", "b c", "d"]);
    await stop();
  });

  it("lets a batch come back when its handler rejects, until it is dead", async () => {
    const handled: number[] = [];
    const { queue, clock, stop } = consuming({
      batchSize: 10,
      handler: async ([message]): Promise<void> => {
        handled.push(message?.receiveCount ?? 0);
        await Promise.reject(new Error("no"));
      },
    });
    await queue.send("poison");
    await clock.advance(visibilityMs - 1);
    expect(handled).toEqual([1]);
    await clock.advance(1);
    expect(handled).toEqual([1, 2]);
    await clock.advance(10 * visibilityMs);
    expect(handled).toEqual([1, 2, 3]);
    expect(queue.deadLetters().map(({ body }) => body)).toEqual(["poison"]);
    await stop();
  });

  it("lets only those come back that the handler answers as failed", async () => {
    const handled: string[] = [];
    const { queue, clock, stop } = consuming({
      batchSize: 10,
      handler: eachMessage((message) => {
        handled.push(message.body);
        return message.body === "bad" && message.receiveCount < 3 ? Promise.reject(new Error("no")) : Promise.resolve();
      }),
    });
    for (const body of ["good", "bad", "fine"]) await queue.send(body);
    await clock.advance(10 * visibilityMs);
    expect(handled).toEqual(["good", "bad", "fine", "bad", "bad"]);
    expect(queue.deadLetters()).toEqual([]);
    await stop();
  });

  it("runs as many handlers at once as it may", async () => {
    let running = 0;
    let most = 0;
    const gate = makeGate();
    const { queue, clock, stop } = consuming({
      batchSize: 1,
      concurrency: 3,
      handler: async () => {
        running += 1;
        most = Math.max(most, running);
        await gate.opened;
        running -= 1;
      },
    });
    for (let each = 0; each < 8; each += 1) await queue.send(`${each}`);
    await clock.advance(0);
    expect(running).toBe(3);
    gate.open();
    await clock.advance(0);
    expect([running, most]).toEqual([0, 3]);
    await stop();
  });

  it("stops at once when it only waits, and after the handler that runs", async () => {
    const idle = consuming({ batchSize: 1, handler: () => Promise.resolve() });
    await idle.stop();
    const gate = makeGate();
    const busy = consuming({ batchSize: 1, handler: () => gate.opened });
    await busy.queue.send("a");
    await busy.clock.advance(0);
    const stopping = busy.stop();
    expect(await Promise.race([stopping, busy.clock.advance(0).then(() => "still busy")])).toBe("still busy");
    gate.open();
    await stopping;
    await busy.clock.advance(visibilityMs);
    expect(await busy.queue.receive({ max: 1, waitMs: 0, visibilityMs })).toEqual([]);
  });

  it("gives back what arrives after it stopped", async () => {
    const handled: string[] = [];
    const { queue, clock, stop } = consuming({
      batchSize: 1,
      handler: (messages) => Promise.resolve(void handled.push(bodiesOf(messages))),
    });
    await stop();
    await queue.send("for another");
    await clock.advance(0);
    expect(handled).toEqual([]);
    expect(await queue.receive({ max: 1, waitMs: 0, visibilityMs })).toMatchObject([{ body: "for another" }]);
  });

  it("rejects when the queue does", async () => {
    const clock = new ManualClock();
    const queue = new EmbeddedQueue({ clock, timers: clock });
    const options = { batchSize: 11, visibilityMs, handler: () => Promise.resolve() };
    await expect(consume(queue, new AbortController().signal, options)).rejects.toMatchObject({
      code: "option.invalid",
    });
  });
});
