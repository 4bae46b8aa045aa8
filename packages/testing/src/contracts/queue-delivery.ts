import { expect, it } from "vitest";
import { expectNothing, receiveOne, visibilityMs, type QueueHarness } from "./queue-support.js";

export function deliveryContract(harness: () => QueueHarness): void {
  it("delivers the body as it was sent", async () => {
    const { queue } = harness();
    const body = JSON.stringify({ text: 'zażółć 🚀\n"quoted" <&>' });
    await queue.send(body);
    const message = await receiveOne(harness());
    expect(message.body).toBe(body);
    expect(message.receiveCount).toBe(1);
    expect(message.id).not.toBe("");
  });

  it("answers an empty list when nothing comes in time", async () => {
    const { queue } = harness();
    expect(await queue.receive({ max: 1, waitMs: 0, visibilityMs })).toEqual([]);
    await expectNothing(harness());
  });

  it("hands a message to a receiver that waits already", async () => {
    const { queue } = harness();
    const waiting = queue.receive({ max: 10, waitMs: 20_000, visibilityMs });
    await queue.send("hello");
    expect((await waiting).map(({ body }) => body)).toEqual(["hello"]);
  });

  it("hands each message to one of the receivers that wait", async () => {
    const { queue } = harness();
    const waiting = [1, 2, 3].map(() => queue.receive({ max: 1, waitMs: 20_000, visibilityMs }));
    for (const body of ["a", "b", "c"]) await queue.send(body);
    const received = (await Promise.all(waiting)).flat().map(({ body }) => body);
    expect(received.toSorted()).toEqual(["a", "b", "c"]);
  });

  it("gives at most as many as asked for, and in the end all", async () => {
    const { queue } = harness();
    const bodies = Array.from({ length: 23 }, (_, index) => `message ${index}`);
    for (const body of bodies) await queue.send(body);
    const received = new Set<string>();
    while (received.size < bodies.length) {
      const batch = await queue.receive({ max: 10, waitMs: 2_000, visibilityMs: 30_000 });
      expect(batch.length).toBeGreaterThan(0);
      expect(batch.length).toBeLessThanOrEqual(10);
      for (const { body, receipt } of batch) {
        received.add(body);
        await queue.delete(receipt);
      }
    }
    expect([...received].toSorted()).toEqual(bodies.toSorted());
    await expectNothing(harness());
  });

  it("keeps a delayed message back until its time", async () => {
    const { queue, advance } = harness();
    await queue.send("later", { delayMs: 3_000 });
    await queue.send("now", { delayMs: 0 });
    const first = await receiveOne(harness());
    expect(first.body).toBe("now");
    await queue.delete(first.receipt);
    await expectNothing(harness());
    await advance(2_000);
    expect((await receiveOne(harness())).body).toBe("later");
  });

  it("hands a delayed message to a receiver that waits for it", async () => {
    const { queue, advance } = harness();
    await queue.send("later", { delayMs: 2_000 });
    const waiting = queue.receive({ max: 1, waitMs: 20_000, visibilityMs });
    await advance(2_000);
    expect((await waiting).map(({ body }) => body)).toEqual(["later"]);
  });
}
