import { expect, it } from "vitest";
import { classifierData, twoByTwoData } from "./engine-data.js";
import { batchNormalization, classifier, dropout, sgd, training, twoByTwo, weightsFor } from "./engine-models.js";
import { expectError, request, withSession, type Harness } from "./engine-support.js";

const epsilon = 1e-7;
const loss = "categoricalCrossentropy";
const momentum = { class_name: "Momentum", config: { learningRate: 0.1, momentum: 0.9, useNesterov: false } };
const adamax = { class_name: "Adamax", config: { learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon, decay: 0 } };
const mixedLoss = ["sparseCategoricalCrossentropy", "meanSquaredError"];

const cases = [
  {
    what: "dropout and moving statistics",
    model: classifier(training(adamax, loss, ["accuracy", "precision"]), [
      dropout("drop", 0.5),
      batchNormalization("norm"),
    ]),
    data: classifierData(10),
  },
  { what: "momentum", model: classifier(training(momentum, loss)), data: classifierData(10) },
  {
    what: "two inputs and outputs",
    model: twoByTwo(training(sgd, mixedLoss, { class: ["accuracy"], amount: ["r2Score"] })),
    data: twoByTwoData(10),
  },
];

export function engineMemoryContract(harness: Harness): void {
  it.each(cases)("keeps its memory flat over any use, and gives all of it back: $what", async ({ model, data }) => {
    const before = harness().liveTensors();
    await withSession(harness, model, async (session) => {
      const use = async (): Promise<number> => {
        await session.train(request(data, 4));
        await session.evaluate({ data, batchSize: 4, fromRow: 0, toRow: 10 });
        await session.predict({ data, batchSize: 4, fromRow: 0, toRow: 10 });
        const { weights, optimizer } = await session.save();
        await session.load(weights, optimizer);
        await session.load(weights);
        await session.train(request(data, 4));
        return harness().liveTensors();
      };
      const first = await use();
      expect([await use(), await use(), await use()]).toEqual([first, first, first]);
    });
    expect(harness().liveTensors()).toBe(before);
  });

  it("gives back what a refused load or model had taken", async () => {
    const model = classifier(training(adamax, loss));
    const before = harness().liveTensors();
    await withSession(harness, model, async (session, weights) => {
      const during = harness().liveTensors();
      await expectError(session.load(new Map()), "training.incompatible-delta");
      await expectError(session.load(weights, weightsFor(model, 2)), "training.incompatible-delta");
      expect(harness().liveTensors()).toBe(during);
    });
    const twoLosses = { ...model.definition, training: training(adamax, mixedLoss) };
    await expectError(harness().engine.open(twoLosses), "model.invalid");
    expect(harness().liveTensors()).toBe(before);
  });
}
