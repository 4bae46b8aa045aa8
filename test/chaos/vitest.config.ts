import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Real processes that are killed, stopped and starved, one test after the other: each wants both cores. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, "../.."),
    include: ["test/chaos/**/*.test.ts"],
    globalSetup: "test/chaos/support/global-setup.ts",
    setupFiles: "test/chaos/support/tell-seed.ts",
    testTimeout: 600_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 1,
    // Lives of jobs are long lists.
    diff: { truncateThreshold: 30 },
  },
});
