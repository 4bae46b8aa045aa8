import { createRequire } from "node:module";
import { createEngine } from "@stampede/runtime";
import { engineContract } from "@stampede/testing";
import { expect, it } from "vitest";
import { tfjsHarness } from "../support/tfjs-engine.js";

if (isInstalled()) {
  engineContract("tfjs-node", () => tfjsHarness("tfjs-node"));
} else {
  process.stdout.write("@tensorflow/tfjs-node is not installed: the engine contract was NOT run for tfjs-node.\n");

  it("says what to install where tfjs-node is missing", async () => {
    const error: unknown = await createEngine("tfjs-node").catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "engine.unavailable", details: { engine: "tfjs-node" } });
    expect(String(error)).toContain("Install @tensorflow/tfjs-node 4.22.0");
  });

  it("can start another engine after that", async () => {
    await expect(createEngine("tfjs-cpu")).resolves.toMatchObject({ name: "tfjs-cpu" });
  });
}

/** Its optional native part may be missing although the package is there; only loading it shows. */
function isInstalled(): boolean {
  try {
    createRequire(import.meta.url)("@tensorflow/tfjs-node");
    return true;
  } catch {
    return false;
  }
}
