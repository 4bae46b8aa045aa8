import * as tf from "@tensorflow/tfjs-core";
import { input, layers, model, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { functionalCase, sequentialCase, type Case, type Layers } from "../case.js";
import { bytes, classIndex, floats, oneHot, stored, table, tableWidth } from "../data.js";

const loss = "categoricalCrossentropy";

const perceptron = (inputs: number) => (): Layers => [
  layers.dense({ units: 8, activation: "tanh", inputShape: [inputs] }),
  layers.dense({ units: 3, activation: "softmax" }),
];

const network = (): Layers => [
  layers.conv2d({ filters: 3, kernelSize: 3, activation: "tanh", inputShape: [6, 6, 1] }),
  layers.flatten(),
  layers.dense({ units: 3, activation: "softmax" }),
];

/** A sequence of classes, a table and a class. */
function mixed(): ReturnType<typeof model> {
  const [a, b, c] = [input({ shape: [4, 5] }), input({ shape: [tableWidth] }), input({ shape: [6] })];
  const flat = layers.flatten().apply(a);
  const joined = layers.concatenate().apply([flat as SymbolicTensor, b, c]);
  const hidden = layers.dense({ units: 6, activation: "tanh" }).apply(joined);
  return model({
    inputs: [a, b, c],
    outputs: layers.dense({ units: 3, activation: "softmax" }).apply(hidden) as SymbolicTensor,
  });
}

const storages = ["int8", "uint16", "int16", "int32", "float64"] as const;

/** One input for each of them. */
function manifold(): ReturnType<typeof model> {
  const inputs = storages.map(() => input({ shape: [2] }));
  const hidden = layers.dense({ units: 6, activation: "tanh" }).apply(layers.concatenate().apply(inputs));
  return model({
    inputs,
    outputs: layers.dense({ units: 3, activation: "softmax" }).apply(hidden) as SymbolicTensor,
  });
}

const three = [30, 20, 50];

export const dataCases: readonly Case[] = [
  sequentialCase("bytes divided by 255", network, [bytes([6, 6, 1]), oneHot(3)], { loss, batchSize: 4, extraRows: 1 }),
  sequentialCase(
    "bytes standardised, each column on its own",
    perceptron(3),
    [bytes([3], three, [110, 128, 140]), oneHot(3)],
    {
      loss,
      extraRows: 5,
    },
  ),
  sequentialCase("a table of numbers and categories", perceptron(tableWidth), [table, oneHot(3)], {
    loss,
    extraRows: 7,
  }),
  functionalCase(
    "classes of a sequence, a table and a class",
    mixed,
    [[oneHot(5, [4]), table, oneHot(6)], [oneHot(3)]],
    {
      loss,
      optimizer: () => tf.train.momentum(0.05, 0.9),
    },
  ),
  functionalCase("inputs of every type", manifold, [storages.map((storage) => stored(storage, [2])), [oneHot(3)]], {
    loss,
    extraRows: 2,
  }),
  sequentialCase("a short last batch of one row", perceptron(6), [floats([6]), classIndex(3)], {
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
    extraRows: 1,
  }),
  sequentialCase("batches of one row", perceptron(6), [floats([6]), oneHot(3)], { loss, batchSize: 1 }),
  sequentialCase("more inputs than rows in a batch", perceptron(150), [floats([150]), oneHot(3)], {
    loss,
    batchSize: 2,
  }),
];
