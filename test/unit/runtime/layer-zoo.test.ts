import { tensorOf, type Field, type PartitionData } from "@stampede/core";
import { createEngine, defineModel } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { expect, it } from "vitest";
import { compiled, useCpu } from "./models.js";

useCpu();

const { layers } = tfl;
const rows = 3;

const zoo: readonly { what: string; shape: number[]; build: () => NonNullable<tfl.SequentialArgs["layers"]> }[] = [
  {
    what: "convolution, pooling and normalisation",
    shape: [8, 8, 1],
    build: () => [
      layers.conv2d({ filters: 2, kernelSize: 3, inputShape: [8, 8, 1], activation: "relu" }),
      layers.batchNormalization(),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.separableConv2d({ filters: 2, kernelSize: 2, padding: "same" }),
      layers.globalAveragePooling2d({}),
      layers.dense({ units: 2 }),
    ],
  },
  {
    what: "recurrent layers, in both directions",
    shape: [5, 3],
    build: () => [
      layers.bidirectional({
        layer: layers.lstm({ units: 2, returnSequences: true, recurrentDropout: 0.1 }),
        mergeMode: "concat",
        inputShape: [5, 3],
      }),
      layers.timeDistributed({ layer: layers.dense({ units: 3, activation: "hardSigmoid" }) }),
      layers.gru({ units: 2 }),
      layers.dense({ units: 2 }),
    ],
  },
  {
    what: "noise, constraints and regularizers",
    shape: [4],
    build: () => [
      layers.dense({
        units: 4,
        inputShape: [4],
        kernelRegularizer: "l1l2",
        kernelConstraint: "maxNorm",
        kernelInitializer: "orthogonal",
      }),
      layers.gaussianNoise({ stddev: 0.1 }),
      layers.alphaDropout({ rate: 0.1 }),
      layers.layerNormalization(),
      layers.prelu(),
      layers.dense({ units: 2, activation: "softmax" }),
    ],
  },
  {
    what: "an embedding of class indices",
    shape: [4],
    build: () => [
      layers.embedding({ inputDim: 3, outputDim: 2, inputShape: [4] }),
      layers.conv1d({ filters: 2, kernelSize: 2 }),
      layers.flatten(),
      layers.dense({ units: 2 }),
    ],
  },
];

it.each(zoo)(
  "rebuilds $what elsewhere, with equal names and predictions, and trains it replayably",
  async ({ shape, build }) => {
    const model = compiled(build(), { optimizer: tf.train.adam(0.01) });
    const { definition, weights } = defineModel(model);
    const values = Float32Array.from(
      { length: rows * shape.reduce((a, b) => a * b, 1) },
      (_, index) => (index * 7) % 3,
    );
    const expected = model.predict(tf.tensor(values, [rows, ...shape])) as tf.Tensor;
    const data: PartitionData = {
      rows,
      fields: [column("x", "feature", shape, values), column("y", "label", [2], Float32Array.of(1, 0, 0, 1, 1, 0))],
    };
    const engine = await createEngine("tfjs-cpu");
    const trained = [];
    for (let time = 0; time < 2; time += 1) {
      const session = await engine.open(definition);
      await session.load(weights);
      const [found] = await session.predict({ data, batchSize: 2, fromRow: 0, toRow: rows });
      for (const [index, value] of (found?.data ?? []).entries()) {
        expect(value).toBeCloseTo(expected.dataSync()[index] ?? 0, 6);
      }
      await session.train({
        data,
        order: Uint32Array.of(2, 0, 1),
        batchSize: 2,
        fromBatch: 0,
        toBatch: 2,
        randomKey: 4,
      });
      const { weights: after } = await session.save();
      expect([...after.keys()]).toEqual([...weights.keys()]);
      trained.push(after);
      session.close();
    }
    expect(trained[1]).toEqual(trained[0]);
    expect(trained[0]).not.toEqual(weights);
  },
);

it("loads weights as they are: a constraint, which tfjs' training does not apply, is not applied to them either", async () => {
  const constrained = compiled([
    layers.dense({ units: 1, inputShape: [1], useBias: false, kernelConstraint: "nonNeg", name: "d" }),
  ]);
  const session = await (await createEngine("tfjs-cpu")).open(defineModel(constrained).definition);
  const negative = new Map([["d/kernel", tensorOf(Float32Array.of(-2), [1, 1])]]);
  await session.load(negative);
  expect((await session.save()).weights).toEqual(negative);
  session.close();
});

it("refuses to train a model whose weights are all frozen", async () => {
  const frozen = compiled([layers.dense({ units: 2, inputShape: [1], trainable: false })]);
  const { definition, weights } = defineModel(frozen);
  const session = await (await createEngine("tfjs-cpu")).open(definition);
  await session.load(weights);
  const data: PartitionData = {
    rows: 1,
    fields: [column("x", "feature", [1], Float32Array.of(1)), column("y", "label", [2], Float32Array.of(1, 0))],
  };
  const training = session.train({
    data,
    order: Uint32Array.of(0),
    batchSize: 1,
    fromBatch: 0,
    toBatch: 1,
    randomKey: 0,
  });
  await expect(training).rejects.toMatchObject({ code: "model.unsupported" });
  session.close();
});

function column(
  name: string,
  role: Field["role"],
  shape: number[],
  values: Float32Array,
): PartitionData["fields"][number] {
  const encoding: Field["encoding"] = { kind: "affine", subtract: [0], divide: [1] };
  const field: Field = { name, role, storage: "float32", storedShape: shape, shape, encoding };
  return { field, tensor: tensorOf(values, [values.length / shape.reduce((a, b) => a * b, 1), ...shape]) };
}
