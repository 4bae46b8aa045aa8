import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { builtPackages } from "./built-packages.js";
import { longestFirst } from "./longest-first.js";

/** Tests import the built packages by name (`npm test` builds first); source maps lead coverage back to `src`. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, ".."),
    include: ["test/{unit,property,contract,integration,cases,e2e,docs}/**/*.test.ts"],
    globalSetup: "test/global-setup.ts",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    server: { deps: { external: builtPackages } },
    maxWorkers: 2,
    sequence: {
      sequencer: longestFirst([
        "test/e2e/garbage.test.ts",
        "test/integration/cloud-preparation.test.ts",
        "test/unit/training/sharder/memory.test.ts",
        "test/property/data-fan-out.test.ts",
        "test/integration/serverless-model.test.ts",
        "test/unit/local/function-failures.test.ts",
        "test/integration/compiled-jobs.test.ts",
        "test/docs/readme-blocks.test.ts",
        "test/integration/request-counts.test.ts",
        "test/e2e/lifecycle.test.ts",
        "test/unit/local/function-pool.test.ts",
      ]),
    },
    coverage: {
      provider: "v8",
      include: ["packages/*/dist/**/*.js"],
      reportsDirectory: "coverage",
      reporter: ["text", "html"],
      skipFull: true,
    },
  },
});
