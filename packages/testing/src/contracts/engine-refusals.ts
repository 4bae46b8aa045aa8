import { hashTensors, tensorOf, type NamedTensors } from "@stampede/core";
import { expect, it } from "vitest";
import { classifierData, withoutLabels } from "./engine-data.js";
import { adam, classifier, training, weightsFor, withTensor } from "./engine-models.js";
import { expectError, request, withSession, type Harness } from "./engine-support.js";

const model = classifier(training(adam, "categoricalCrossentropy"));
const good = weightsFor(model);
const bias = "hidden/bias";

const wrongWeights: readonly { what: string; weights: NamedTensors; names: string }[] = [
  { what: "a missing name", weights: withTensor(good, bias, undefined), names: bias },
  {
    what: "an unknown name",
    weights: withTensor(good, "other/bias", tensorOf(new Float32Array(8), [8])),
    names: "other/bias",
  },
  { what: "another shape", weights: withTensor(good, bias, tensorOf(new Float32Array(9), [9])), names: "float32 [9]" },
  { what: "another dtype", weights: withTensor(good, bias, tensorOf(new Int32Array(8), [8])), names: "int32 [8]" },
];

export function engineRefusalContract(harness: Harness): void {
  it.each(wrongWeights)("refuses weights with $what, and stays as it was", async ({ weights, names }) => {
    await withSession(harness, model, async (session) => {
      await session.train(request(classifierData(8), 4));
      const before = await session.save();
      const error = await expectError(session.load(weights), "training.incompatible-delta");
      expect(error.message).toContain(names);
      const after = await session.save();
      expect(hashTensors(after.weights)).toBe(hashTensors(before.weights));
      expect(hashTensors(after.optimizer)).toBe(hashTensors(before.optimizer));
    });
  });

  it("refuses an optimizer's state that is not this model's, and stays as it was", async () => {
    await withSession(harness, model, async (session, weights) => {
      await session.train(request(classifierData(8), 4));
      const before = await session.save();
      const [name = ""] = before.optimizer.keys();
      const others = [
        withTensor(before.optimizer, name, undefined),
        withTensor(before.optimizer, name, tensorOf(new Float32Array(77), [77])),
        withTensor(before.optimizer, "optimizer/other", tensorOf(new Float32Array(1), [])),
      ];
      for (const other of others) await expectError(session.load(weights, other), "training.incompatible-delta");
      expect(hashTensors((await session.save()).weights)).toBe(hashTensors(before.weights));
    });
  });

  it("stops at the batch whose loss is not finite, and says which", async () => {
    const explosive = { class_name: "SGD", config: { learningRate: 1e38 } };
    const linear = classifier(training(explosive, "meanSquaredError"));
    const data = classifierData(12);
    for (const column of data.fields.slice(1)) column.tensor.data.fill(1);
    await withSession(harness, linear, async (session, weights) => {
      const spoilt = withTensor(weights, "classes/bias", tensorOf(Float32Array.of(Number.NaN, 0, 0), [3]));
      await session.load(spoilt);
      const error = await expectError(session.train(request(data, 4, { fromBatch: 1 })), "training.non-finite");
      expect(error.details).toMatchObject({ batch: 1 });
    });
  });

  it("refuses data with too few or too many fields", async () => {
    await withSession(harness, model, async (session) => {
      const data = classifierData(8);
      await expectError(session.train(request(withoutLabels(data), 4)), "model.data-mismatch");
      const doubled = { rows: 8, fields: [...data.fields, ...data.fields] };
      await expectError(session.predict({ data: doubled, batchSize: 4, fromRow: 0, toRow: 8 }), "model.data-mismatch");
    });
  });

  it("refuses to go on when closed; closing twice is harmless", async () => {
    const session = await harness().engine.open(model.definition);
    await session.load(good);
    session.close();
    session.close();
    await expectError(session.save(), "engine.failed");
    await expectError(session.train(request(classifierData(8), 4)), "engine.failed");
  });

  it("refuses to train weights that were never loaded", async () => {
    const session = await harness().engine.open(model.definition);
    await expectError(session.train(request(classifierData(8), 4)), "engine.failed");
    session.close();
  });

  it("refuses a model that it cannot build", async () => {
    const unknown = {
      class_name: "Sequential",
      config: { name: "m", layers: [{ class_name: "Teleport", config: {} }] },
    };
    const definition = { ...model.definition, topology: unknown };
    const error = await expectError(harness().engine.open(definition), "model.unsupported");
    expect(error.message).toContain("Teleport");
  });
}
