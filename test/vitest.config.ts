import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { builtPackages } from "./built-packages.js";

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
    coverage: {
      provider: "v8",
      include: ["packages/*/dist/**/*.js"],
      reportsDirectory: "coverage",
      reporter: ["text", "html"],
      skipFull: true,
    },
  },
});
