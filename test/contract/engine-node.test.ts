import { createRequire } from "node:module";
import { createEngine } from "@stampede/runtime";
import { engineContract } from "@stampede/testing";
import { expect, it } from "vitest";
import { tfjsHarness } from "../support/tfjs-engine.js";

// Not STAMPEDE_*: those are settings of the person who runs the tests, which the tests do not see.
const { CI: ci, REQUIRE_TFJS_NODE: required } = process.env;
const problem = whyItCannotBeLoaded();

if (problem === undefined) {
  engineContract("tfjs-node", () => tfjsHarness("tfjs-node"));
} else {
  process.stdout.write(
    `@tensorflow/tfjs-node cannot be loaded (${problem}): the engine contract was NOT run for tfjs-node. ` +
      "`npm run tfjs-node` builds it.\n",
  );

  if (ci === "true" && required === "1") {
    it("is there for the engine contract, as REQUIRE_TFJS_NODE=1 demands", () => {
      expect.fail(`Expected @tensorflow/tfjs-node, found: ${problem}. The engine contract was not run for tfjs-node.`);
    });
  }

  it("says what to install where tfjs-node is missing", async () => {
    const error: unknown = await createEngine("tfjs-node").catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "engine.unavailable", details: { engine: "tfjs-node" } });
    expect(String(error)).toContain("Install @tensorflow/tfjs-node 4.22.0");
  });

  it("can start another engine after that", async () => {
    await expect(createEngine("tfjs-cpu")).resolves.toMatchObject({ name: "tfjs-cpu" });
  });
}

/** Its native part may be missing although the package is there; only loading it shows. */
function whyItCannotBeLoaded(): string | undefined {
  try {
    createRequire(import.meta.url)("@tensorflow/tfjs-node");
    return undefined;
  } catch (error) {
    return String(error).split("\n", 1)[0];
  }
}
