import { parseJobId, StampedeError, tensorOf, type JobEvent, type TaskMessage } from "@stampede/core";
import { EmbeddedQueue } from "@stampede/local";
import {
  EventRecorder,
  FaultyClock,
  FaultyEngine,
  FaultyEventSink,
  FaultyExecutors,
  FaultyObjectStore,
  FaultyQueue,
  ManualClock,
  MemoryObjectStore,
  tinyEngine,
  type Fault,
  type Faults,
  type Operation,
} from "@stampede/testing";
import { describe, expect, it } from "vitest";

/** One fault, for the first operation. */
class Once implements Faults {
  readonly asked: Operation[] = [];
  #fault: Fault | undefined;

  constructor(kind: Fault["kind"], amount = 0) {
    this.#fault = { kind, amount };
  }

  of(operation: Operation): Fault | undefined {
    this.asked.push(operation);
    const fault = this.#fault;
    this.#fault = undefined;
    return fault;
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const unavailable = { code: "store.unavailable" };

describe("a faulty object store", () => {
  const storeWith = (kind: Fault["kind"], amount?: number) => {
    const inner = new MemoryObjectStore();
    const clock = new ManualClock();
    return { inner, clock, store: new FaultyObjectStore(inner, new Once(kind, amount), clock) };
  };

  it.each(["refused", "clashed"] as const)("a create that is %s writes nothing, and says so", async (kind) => {
    const { inner, store } = storeWith(kind);
    await expect(store.create("a", bytes("1"))).rejects.toMatchObject(unavailable);
    expect(await inner.get("a")).toBeUndefined();
    expect(await store.create("a", bytes("1"))).not.toBe("conflict");
  });

  it("a create that is unanswered took effect", async () => {
    const { inner, store } = storeWith("unanswered");
    await expect(store.create("a", bytes("1"))).rejects.toMatchObject(unavailable);
    expect((await inner.get("a"))?.body).toEqual(bytes("1"));
  });

  it("a replace that conflicts with itself is in place", async () => {
    const { inner, store } = storeWith("conflict-with-itself");
    const created = await inner.create("a", bytes("1"));
    const etag = created === "conflict" ? "" : created.etag;
    expect(await store.replace("a", bytes("2"), etag)).toBe("conflict");
    expect((await inner.get("a"))?.body).toEqual(bytes("2"));
  });

  it("a read that is cut short, or has a wrong bit, keeps its etag", async () => {
    const { inner, store } = storeWith("truncated", 0.5);
    await inner.create("a", bytes("12345678"));
    expect((await store.get("a"))?.body).toEqual(bytes("1234"));
    const whole = await store.get("a");
    const flipped = await new FaultyObjectStore(inner, new Once("bit-flipped", 0.99), new ManualClock()).get("a");
    expect(flipped?.etag).toBe(whole?.etag);
    const differing = [...(flipped?.body ?? [])].filter((byte, index) => byte !== whole?.body[index]);
    expect(differing).toHaveLength(1);
  });

  it("a slow write takes effect later, a late answer comes later", async () => {
    const slow = storeWith("slow", 100);
    const writing = slow.store.create("a", bytes("1"));
    await slow.clock.advance(99);
    expect(await slow.inner.head("a")).toBeUndefined();
    await slow.clock.advance(1);
    expect(await writing).not.toBe("conflict");
    const late = storeWith("answered-late", 100);
    let isAnswered = false;
    const answered = late.store.create("a", bytes("1")).then(() => (isAnswered = true));
    await late.clock.advance(99);
    expect([await late.inner.head("a"), isAnswered]).toEqual([expect.anything(), false]);
    await late.clock.advance(1);
    expect(await answered).toBe(true);
  });

  it("names what is asked of it, once for each operation", async () => {
    const faults = new Once("refused");
    const store = new FaultyObjectStore(new MemoryObjectStore(), faults, new ManualClock());
    await expect(store.list("jobs/")[Symbol.asyncIterator]().next()).rejects.toMatchObject(unavailable);
    await store.delete("a");
    await store.head("b");
    expect(faults.asked).toEqual([
      { name: "store.list", subject: "jobs/" },
      { name: "store.delete", subject: "a" },
      { name: "store.head", subject: "b" },
    ]);
  });

  it("refuses a fault that its operation cannot have", async () => {
    const { store } = storeWith("truncated", 0.5);
    await expect(store.head("a")).rejects.toThrow(RangeError);
  });
});

describe("a faulty queue", () => {
  const queueWith = (kind: Fault["kind"], amount?: number) => {
    const clock = new ManualClock();
    const inner = new EmbeddedQueue({ clock, timers: clock });
    return { clock, inner, queue: new FaultyQueue("driver", inner, new Once(kind, amount), clock) };
  };
  const receive = { max: 10, waitMs: 0, visibilityMs: 10_000 };
  const bodiesOf = (messages: readonly { readonly body: string }[]): readonly string[] =>
    messages.map(({ body }) => body);

  it("loses and doubles messages", async () => {
    const losing = queueWith("lost");
    await losing.queue.send("a");
    await losing.queue.send("b");
    expect(bodiesOf(await losing.inner.receive(receive))).toEqual(["b"]);
    const doubling = queueWith("doubled");
    await doubling.queue.send("a");
    expect(bodiesOf(await doubling.inner.receive(receive))).toEqual(["a", "a"]);
  });

  it("delays a message, at most as long as a queue can", async () => {
    const { clock, queue } = queueWith("delayed", 2_000_000);
    await queue.send("a", { delayMs: 1000 });
    await clock.advance(899_999);
    expect(await queue.receive(receive)).toEqual([]);
    await clock.advance(1);
    expect(bodiesOf(await queue.receive(receive))).toEqual(["a"]);
  });

  it("hands messages over in another order, and too early again", async () => {
    const reordering = queueWith("reordered");
    await reordering.inner.send("a");
    await reordering.inner.send("b");
    expect(bodiesOf(await reordering.queue.receive(receive))).toEqual(["b", "a"]);
    const early = queueWith("expires-early", 0.25);
    await early.inner.send("a");
    await early.queue.receive(receive);
    await early.clock.advance(2_500);
    expect(await early.queue.receive(receive)).toMatchObject([{ body: "a", receiveCount: 2 }]);
  });

  it("does not delete, or does and does not say so", async () => {
    for (const [kind, comesBack] of [["refused", 1] as const, ["unanswered", 0] as const]) {
      const { clock, inner, queue } = queueWith(kind);
      await inner.send("a");
      const [message] = await inner.receive(receive);
      await expect(queue.delete(message?.receipt ?? "")).rejects.toMatchObject(unavailable);
      await clock.advance(10_000);
      expect(await inner.receive(receive)).toHaveLength(comesBack);
    }
  });
});

describe("faulty executors", () => {
  it.each([
    ["lost", 0, false],
    ["doubled", 2, false],
    ["refused", 0, true],
    ["unanswered", 1, true],
  ] as const)("a start that is %s starts %i", async (kind, starts, rejects) => {
    const started: TaskMessage[] = [];
    const inner = { start: (task: TaskMessage) => Promise.resolve(void started.push(task)) };
    const executors = new FaultyExecutors(inner, new Once(kind), new ManualClock());
    const starting = executors.start({
      version: 1,
      job: parseJobId("a"),
      stage: { kind: "train", round: 1 },
      partition: 0,
      attempt: 1,
      attemptId: "a",
      startedAt: 0,
      deadlineAt: 1,
      frugal: false,
      platform: "function",
    });
    if (rejects) await expect(starting).rejects.toMatchObject(unavailable);
    else await starting;
    expect(started).toHaveLength(starts);
  });
});

describe("a faulty engine", () => {
  const weights = new Map([["w", tensorOf(Float32Array.of(1, 2), [2])]]);
  const engineWith = (kind: Fault["kind"]) => new FaultyEngine(tinyEngine, new Once(kind), new ManualClock());

  it("fails, and runs out of memory as V8 does", async () => {
    await expect(engineWith("fails").open({} as never)).rejects.toMatchObject({ code: "engine.failed" });
    const hungry = engineWith("out-of-memory").open({} as never);
    await expect(hungry).rejects.toThrow(new RangeError("Array buffer allocation failed"));
  });

  it("computes what is no number", async () => {
    const session = await new FaultyEngine(
      tinyEngine,
      { of: ({ name }) => (name === "engine.save" ? { kind: "not-finite", amount: 0 } : undefined) },
      new ManualClock(),
    ).open({} as never);
    await session.load(weights);
    expect((await session.save()).weights.get("w")?.data).toEqual(Float32Array.of(Number.NaN, 2));
  });
});

describe("a faulty clock and a faulty sink", () => {
  it("jumps, and stays where it jumped to", () => {
    const clock = new FaultyClock(new ManualClock(1000), new Once("jumps", -300));
    expect([clock.now(), clock.now()]).toEqual([700, 700]);
  });

  it("calls late", async () => {
    const inner = new ManualClock();
    let calls = 0;
    new FaultyClock(inner, new Once("slow", 50)).after(100, () => (calls += 1));
    await inner.advance(149);
    expect(calls).toBe(0);
    await inner.advance(1);
    expect(calls).toBe(1);
  });

  it("loses and doubles events", () => {
    const event: JobEvent = { event: "job.failed", code: "store.full", message: "m" };
    for (const [kind, count] of [["lost", 1] as const, ["doubled", 3] as const]) {
      const recorder = new EventRecorder();
      const sink = new FaultyEventSink(recorder, new Once(kind));
      sink.emit(event);
      sink.emit(event);
      expect(recorder.events).toHaveLength(count);
    }
  });
});

it("what wrappers reject with is Stampede's own", async () => {
  const store = new FaultyObjectStore(new MemoryObjectStore(), new Once("refused"), new ManualClock());
  await expect(store.get("a")).rejects.toBeInstanceOf(StampedeError);
});
