import type { CloudSetup } from "@stampede/testing/fan-out";

/** A cloud like the deployed one. */
export const smallCloud: CloudSetup = {
  memoryMb: { driver: 1769, "parameter-server": 3008, executor: 3008 },
  timeoutSeconds: { driver: 60, "parameter-server": 300, executor: 900 },
  sources: { driver: { batchSize: 10, maxConcurrency: 10 }, deltas: { batchSize: 10, maxConcurrency: 10 } },
  stopCheckMs: 10_000,
};
