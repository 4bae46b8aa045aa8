import { hashTensors, type NamedTensors, type TrainingConfig } from "@stampede/core";
import { expect, it } from "vitest";
import { classifierData } from "./engine-data.js";
import {
  adam,
  batchNormalization,
  classifier,
  dropout,
  sgd,
  training,
  weightsFor,
  type ContractModel,
} from "./engine-models.js";
import { bitsOf, request, withSession, type Harness } from "./engine-support.js";

const epsilon = 1e-7;
const optimizers: readonly TrainingConfig["optimizer_config"][] = [
  sgd,
  { class_name: "Momentum", config: { learningRate: 0.1, momentum: 0.9, useNesterov: true } },
  adam,
  { class_name: "Adamax", config: { learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon, decay: 0.05 } },
  { class_name: "RMSProp", config: { learningRate: 0.01, decay: 0.9, momentum: 0.5, epsilon, centered: false } },
  { class_name: "Adagrad", config: { learningRate: 0.1, initialAccumulatorValue: 0.1 } },
  { class_name: "Adadelta", config: { learningRate: 1, rho: 0.95, epsilon } },
];

const modelWith = (optimizer: TrainingConfig["optimizer_config"]): ContractModel =>
  classifier(training(optimizer, "categoricalCrossentropy"), [dropout("drop", 0.3), batchNormalization("norm")]);

export function engineOptimizerContract(harness: Harness): void {
  const data = classifierData(40);

  it.each(optimizers)("goes on exactly in another session: $class_name", async (optimizer) => {
    const model = modelWith(optimizer);
    const whole = await withSession(harness, model, async (session) => {
      await session.train(request(data, 4));
      return session.save();
    });
    const half = await withSession(harness, model, async (session) => {
      await session.train(request(data, 4, { toBatch: 5 }));
      return session.save();
    });
    await withSession(harness, model, async (session) => {
      await session.load(half.weights, half.optimizer);
      const unchanged = await session.save();
      expect(hashTensors(unchanged.optimizer)).toBe(hashTensors(half.optimizer));
      await session.train(request(data, 4, { fromBatch: 5 }));
      const resumed = await session.save();
      expect(hashTensors(resumed.weights)).toBe(hashTensors(whole.weights));
      expect(hashTensors(resumed.optimizer)).toBe(hashTensors(whole.optimizer));
    });
  });

  it.each(optimizers)("starts afresh when no state is loaded: $class_name", async (optimizer) => {
    const model = modelWith(optimizer);
    await withSession(harness, model, async (session, weights) => {
      await session.train(request(data, 4));
      const first = await session.save();
      for (const nothing of [undefined, new Map()]) {
        await session.load(weights, nothing);
        await session.train(request(data, 4));
        const again = await session.save();
        expect(hashTensors(again.weights)).toBe(hashTensors(first.weights));
        expect(hashTensors(again.optimizer)).toBe(hashTensors(first.optimizer));
      }
    });
  });

  it("has no state before the first step, and float32 tensors that can be averaged after it", async () => {
    await withSession(harness, modelWith(adam), async (session) => {
      expect((await session.save()).optimizer.size).toBe(0);
      await session.train(request(data, 4, { toBatch: 1 }));
      const { optimizer } = await session.save();
      expect(optimizer.size).toBeGreaterThan(0);
      expect(new Set([...optimizer.values()].map(({ dtype }) => dtype))).toEqual(new Set(["float32"]));
    });
  });

  it("names weights and state equally however often the model was opened before", async () => {
    const model = modelWith(adam);
    const namesOf = (tensors: NamedTensors): string[] => [...tensors.keys()];
    const names = async (): Promise<string[]> =>
      withSession(harness, model, async (session) => {
        await session.train(request(data, 4, { toBatch: 1 }));
        const { weights, optimizer } = await session.save();
        return [...namesOf(weights), ...namesOf(optimizer)];
      });
    const first = await names();
    expect(await names()).toEqual(first);
    expect(first).toEqual(expect.arrayContaining([...weightsFor(model).keys()]));
  });

  it("copies what it loads and what it saves", async () => {
    const model = modelWith(adam);
    await withSession(harness, model, async (session, weights) => {
      await session.train(request(data, 4, { toBatch: 5 }));
      const saved = await session.save();
      await session.load(saved.weights, saved.optimizer);
      const expected = await bitsOf(session);
      const handed = [saved.weights, saved.optimizer, weights].flatMap((tensors) => [...tensors.values()]);
      for (const { data: values } of handed) values.fill(9);
      expect(await bitsOf(session)).toBe(expected);
      await session.train(request(data, 4, { fromBatch: 5, toBatch: 6 }));
      const { optimizer } = await session.save();
      expect([...optimizer.values()].every(({ data: values }) => [...values].every((value) => value < 1))).toBe(true);
    });
  });
}
