import { describe } from "vitest";
import { useHarness } from "./harness.js";
import { deliveryContract } from "./queue-delivery.js";
import type { QueueDeviation, QueueHarness } from "./queue-support.js";
import { visibilityContract } from "./queue-visibility.js";

/**
 * The obligations of the Queue port, as vitest tests. Durations are whole seconds, the grain of SQS.
 * @param deviations obligations that are known not to be met: it is a failure when they are
 */
export function queueContract(
  name: string,
  makeHarness: () => Promise<QueueHarness>,
  deviations: readonly QueueDeviation[] = [],
): void {
  describe(`the queue contract: ${name}`, () => {
    const harness = useHarness(makeHarness);
    describe("delivery", () => deliveryContract(harness));
    describe("visibility", () => visibilityContract(harness, deviations));
  });
}
