import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { builtPackages } from "../built-packages.js";

/** Trainings of minutes, one after the other: executors want both cores. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, "../.."),
    include: ["test/convergence/**/*.test.ts"],
    globalSetup: "test/global-setup.ts",
    testTimeout: 600_000,
    hookTimeout: 60_000,
    pool: "forks",
    server: { deps: { external: builtPackages } },
    maxWorkers: 1,
  },
});
