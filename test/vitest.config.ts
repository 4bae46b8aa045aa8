import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { builtPackages } from "./built-packages.js";
import { longestFirst } from "./longest-first.js";

/**
 * Tests that leave globals and the environment as they are, of what keeps nothing outside of its objects: files that follow each other
 * share a process, and what it has loaded.
 */
const pure = [
  "test/unit/{api,aws,check,core,data,docs,infra,testing,training}/**/*.test.ts",
  // Those two load user's models and the engines.
  "test/unit/cli/!(doctor|model-module).test.ts",
  "test/property/!(graph-)*.test.ts",
];

/** The same for functions of tfjs that are traced; those that make layers are apart, because tfjs numbers their names. */
const traced = [
  "test/property/graph-!(recurrent).test.ts",
  "test/unit/graph/!(layer-normalization|learning-rate|open-batch|passes|recurrent).test.ts",
];

/** Tests import the built packages by name (`npm test` builds first); source maps lead coverage back to `src`. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, ".."),
    globalSetup: "test/global-setup.ts",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    server: { deps: { external: builtPackages } },
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: "pure", include: pure, isolate: false } },
      { extends: true, test: { name: "traced", include: traced, isolate: false } },
      {
        extends: true,
        test: {
          name: "apart",
          include: ["test/{unit,property,contract,integration,cases,e2e,docs}/**/*.test.ts"],
          exclude: [...pure, ...traced],
        },
      },
    ],
    sequence: {
      sequencer: longestFirst([
        "test/e2e/garbage.test.ts",
        "test/e2e/serve.test.ts",
        "test/integration/cloud-preparation.test.ts",
        "test/unit/training/sharder/memory.test.ts",
        "test/property/data-fan-out.test.ts",
        "test/integration/serverless-model.test.ts",
        "test/unit/local/function-failures.test.ts",
        "test/integration/compiled-jobs.test.ts",
        "test/docs/readme-blocks.test.ts",
        "test/integration/request-counts.test.ts",
        "test/e2e/lifecycle.test.ts",
        "test/e2e/bad-input.test.ts",
        "test/e2e/train.test.ts",
        "test/cases/sequences.test.ts",
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
