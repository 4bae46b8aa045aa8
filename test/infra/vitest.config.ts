import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Tests of what is deployed to AWS, without an account: `sst install`, then the graph of all resources. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, "../.."),
    include: ["test/infra/**/*.test.ts"],
    globalSetup: "test/infra/support/global-setup.ts",
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
