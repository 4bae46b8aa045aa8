import { describe } from "vitest";
import { useHarness } from "./harness.js";
import { deliveryContract } from "./queue-delivery.js";
import type { QueueHarness } from "./queue-support.js";
import { visibilityContract } from "./queue-visibility.js";

/** The obligations of the Queue port, as vitest tests. Durations are whole seconds, the grain of SQS. */
export function queueContract(name: string, makeHarness: () => Promise<QueueHarness>): void {
  describe(`the queue contract: ${name}`, () => {
    const harness = useHarness(makeHarness);
    describe("delivery", () => deliveryContract(harness));
    describe("visibility", () => visibilityContract(harness));
  });
}
