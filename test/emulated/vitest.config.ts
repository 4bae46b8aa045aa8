import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { builtPackages } from "../built-packages.js";

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
    maxWorkers: 2,
  },
});
