import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { builtPackages } from "../built-packages.js";

/** Disasters by the ten thousand: two files at once, one a core. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, "../.."),
    include: ["test/simulation/**/*.test.ts"],
    globalSetup: "test/global-setup.ts",
    testTimeout: 600_000,
    hookTimeout: 60_000,
    pool: "forks",
    server: { deps: { external: builtPackages } },
    maxWorkers: 2,
  },
});
