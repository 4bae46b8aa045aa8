import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { builtPackages } from "../built-packages.js";
import { longestFirst } from "../longest-first.js";

/** Its functions are cut short after three seconds: they need a core, or they starve. */
const alone = ["test/emulated/continuation.test.ts"];

/** Tests against a local AWS emulator: each file starts its own, and functions are processes. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, "../.."),
    globalSetup: "test/emulated/support/global-setup.ts",
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: "forks",
    server: { deps: { external: builtPackages } },
    projects: [
      { extends: true, test: { name: "alone", include: alone, maxWorkers: 1, sequence: { groupOrder: 0 } } },
      {
        extends: true,
        // One more than cores: most of the time is spent on waiting, for messages that become visible.
        test: {
          name: "together",
          include: ["test/emulated/**/*.test.ts"],
          exclude: alone,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
    ],
    sequence: {
      sequencer: longestFirst([
        "test/emulated/disasters.test.ts",
        "test/emulated/fault-proxy-contracts.test.ts",
        "test/emulated/queue-localstack.test.ts",
        "test/emulated/queue.test.ts",
        "test/emulated/cloud-preparation.test.ts",
        "test/emulated/doctor.test.ts",
        "test/emulated/aws-cluster.test.ts",
        "test/emulated/object-store-localstack.test.ts",
        "test/emulated/api.test.ts",
        "test/emulated/job.test.ts",
        "test/emulated/sharding.test.ts",
        "test/emulated/object-store-faults.test.ts",
      ]),
    },
  },
});
