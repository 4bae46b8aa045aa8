import { afterAll, beforeAll, describe } from "vitest";
import { engineEvaluationContract, enginePredictionContract } from "./engine-inference.js";
import { engineMemoryContract } from "./engine-memory.js";
import { engineOptimizerContract } from "./engine-optimizers.js";
import { engineRefusalContract } from "./engine-refusals.js";
import type { EngineHarness } from "./engine-support.js";
import { engineTrainingContract } from "./engine-training.js";

/** The obligations of the Engine and EngineSession ports, as vitest tests. */
export function engineContract(name: string, makeHarness: () => Promise<EngineHarness>): void {
  describe(`the engine contract: ${name}`, () => {
    let made: EngineHarness | undefined;
    beforeAll(async () => {
      made = await makeHarness();
    });
    afterAll(() => {
      made = undefined;
    });
    const harness = (): EngineHarness => {
      if (made === undefined) throw new Error("The harness exists only while the suite runs.");
      return made;
    };
    describe("training", () => engineTrainingContract(harness));
    describe("the optimizer's state", () => engineOptimizerContract(harness));
    describe("evaluation", () => engineEvaluationContract(harness));
    describe("prediction", () => enginePredictionContract(harness));
    describe("refusals", () => engineRefusalContract(harness));
    describe("memory", () => engineMemoryContract(harness));
  });
}
