import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { builtPackages } from "../built-packages.js";
import { longestFirst } from "../longest-first.js";

/**
 * Real processes that are killed, stopped and starved. Two files at once: what they wait for, a command that starts or a process that is
 * stopped, leaves a core to others, and what they promise holds on a busy machine too.
 */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, "../.."),
    include: ["test/chaos/**/*.test.ts"],
    globalSetup: "test/chaos/support/global-setup.ts",
    setupFiles: "test/chaos/support/tell-seed.ts",
    testTimeout: 600_000,
    hookTimeout: 120_000,
    pool: "forks",
    server: { deps: { external: builtPackages } },
    maxWorkers: 2,
    sequence: {
      sequencer: longestFirst(["test/chaos/kills.test.ts", "test/chaos/stopped.test.ts", "test/chaos/commits.test.ts"]),
    },
    // Lives of jobs are long lists.
    diff: { truncateThreshold: 30 },
  },
});
