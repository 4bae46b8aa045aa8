import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { builtPackages } from "../built-packages.js";
import { longestFirst } from "../longest-first.js";

/** Tests against a local AWS emulator: each file starts its own, and functions are processes. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, "../.."),
    include: ["test/emulated/**/*.test.ts"],
    globalSetup: "test/emulated/support/global-setup.ts",
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: "forks",
    server: { deps: { external: builtPackages } },
    // Functions that are cut short after three seconds need their share of a core.
    maxWorkers: 2,
    sequence: {
      // Beside the longest, which computes, those that wait.
      sequencer: longestFirst([
        "test/emulated/continuation.test.ts",
        "test/emulated/fault-proxy-contracts.test.ts",
        "test/emulated/queue-localstack.test.ts",
        "test/emulated/disasters.test.ts",
        "test/emulated/queue.test.ts",
        "test/emulated/cloud-preparation.test.ts",
        "test/emulated/doctor.test.ts",
        "test/emulated/aws-cluster.test.ts",
        "test/emulated/object-store-localstack.test.ts",
        "test/emulated/job.test.ts",
        "test/emulated/sharding.test.ts",
        "test/emulated/object-store-faults.test.ts",
      ]),
    },
  },
});
