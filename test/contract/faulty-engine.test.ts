import { engineContract, FaultyEngine, ManualClock, noFaults } from "@stampede/testing";
import { tfjsHarness } from "../support/tfjs-engine.js";

engineContract("FaultyEngine over tfjs-cpu, when nothing goes wrong", async () => {
  const harness = await tfjsHarness("tfjs-cpu");
  return { ...harness, engine: new FaultyEngine(harness.engine, noFaults, new ManualClock()) };
});
