import { expect, it } from "vitest";
import { expectNothing, receiveOne, visibilityMs, type QueueDeviation, type QueueHarness } from "./queue-support.js";

export function visibilityContract(harness: () => QueueHarness, deviations: readonly QueueDeviation[]): void {
  it("hides a received message for its visibility, then delivers it again", async () => {
    const { queue, advance } = harness();
    await queue.send("again");
    const first = await receiveOne(harness());
    await expectNothing(harness());
    await advance(visibilityMs - 1_000);
    const second = await receiveOne(harness());
    expect(second).toMatchObject({ id: first.id, body: "again", receiveCount: 2 });
    expect(second.receipt).not.toBe(first.receipt);
  });

  it("never delivers a deleted message again", async () => {
    const { queue, advance } = harness();
    await queue.send("once");
    const { receipt } = await receiveOne(harness());
    await queue.delete(receipt);
    await queue.delete(receipt);
    await advance(visibilityMs);
    await expectNothing(harness());
  });

  const ofStaleReceipts = { fails: deviations.includes("stale receipts act") };

  it("does not delete a message that was delivered again since", ofStaleReceipts, async () => {
    const { queue, advance } = harness();
    await queue.send("again");
    const first = await receiveOne(harness());
    await advance(visibilityMs);
    const second = await receiveOne(harness());
    await queue.delete(first.receipt);
    await queue.extend(second.receipt, 0);
    expect((await receiveOne(harness())).receiveCount).toBe(3);
  });

  it("hides a message longer", async () => {
    const { queue, advance } = harness();
    await queue.send("long");
    const { receipt } = await receiveOne(harness());
    await advance(visibilityMs - 1_000);
    await queue.extend(receipt, 5_000);
    await advance(2_000);
    await expectNothing(harness());
    await advance(2_000);
    expect((await receiveOne(harness())).receiveCount).toBe(2);
  });

  it("shows a message at once", async () => {
    const { queue } = harness();
    await queue.send("now");
    const { receipt } = await receiveOne(harness());
    await queue.extend(receipt, 0);
    expect((await receiveOne(harness())).receiveCount).toBe(2);
  });

  it("changes nothing for a stale receipt", ofStaleReceipts, async () => {
    const { queue, advance } = harness();
    await queue.send("again");
    const first = await receiveOne(harness());
    await advance(visibilityMs);
    const second = await receiveOne(harness());
    await queue.extend(first.receipt, 0);
    await expectNothing(harness());
    await queue.delete(second.receipt);
    await queue.extend(second.receipt, 0);
    await expectNothing(harness());
  });

  deadLetterContract(harness);
}

function deadLetterContract(harness: () => QueueHarness): void {
  it("moves a message to the dead letters after its last delivery", async () => {
    const { queue, maxReceives, advance, deadLetters } = harness();
    await queue.send("poison");
    for (let count = 1; count <= maxReceives; count += 1) {
      expect((await receiveOne(harness())).receiveCount).toBe(count);
      expect(await deadLetters()).toEqual([]);
      await advance(visibilityMs);
    }
    await expectNothing(harness());
    expect(await deadLetters()).toEqual(["poison"]);
  });

  it("does not count a message as dead that was deleted at its last delivery", async () => {
    const { queue, maxReceives, advance, deadLetters } = harness();
    await queue.send("saved");
    for (let count = 1; count < maxReceives; count += 1) {
      await queue.extend((await receiveOne(harness())).receipt, 0);
    }
    await queue.delete((await receiveOne(harness())).receipt);
    await advance(visibilityMs);
    await expectNothing(harness());
    expect(await deadLetters()).toEqual([]);
  });
}
