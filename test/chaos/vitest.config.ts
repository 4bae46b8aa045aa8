import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { builtPackages } from "../built-packages.js";
import { longestFirst } from "../longest-first.js";

/** Its figure, how much longer a job takes that is killed 200 times, is a promise: nothing runs beside it. */
const alone = ["test/chaos/kills.test.ts"];

/**
 * Real processes that are killed, stopped and starved. But for the first, two files at once: a command that starts, or a process that is
 * stopped, leaves a core to others, and what they promise holds on a busy machine too.
 */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, "../.."),
    globalSetup: "test/chaos/support/global-setup.ts",
    setupFiles: "test/chaos/support/tell-seed.ts",
    testTimeout: 600_000,
    hookTimeout: 120_000,
    pool: "forks",
    server: { deps: { external: builtPackages } },
    maxWorkers: 2,
    sequence: { sequencer: longestFirst(["test/chaos/stopped.test.ts", "test/chaos/commits.test.ts"]) },
    projects: [
      { extends: true, test: { name: "alone", include: alone, sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: { name: "pairs", include: ["test/chaos/**/*.test.ts"], exclude: alone, sequence: { groupOrder: 1 } },
      },
    ],
    // Lives of jobs are long lists.
    diff: { truncateThreshold: 30 },
  },
});
