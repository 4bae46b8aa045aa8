import * as tf from "@tensorflow/tfjs-core";
import { input, layers, model, regularizers, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { functionalCase, sequentialCase, type Case } from "../case.js";
import { bits, classIndex, floats, oneHot, words } from "../data.js";

/** Two lookups in one table, and a number beside them. */
function shared(): ReturnType<typeof model> {
  const [a, b, c] = [input({ shape: [3] }), input({ shape: [2] }), input({ shape: [2] })];
  const lookup = layers.embedding({ inputDim: 12, outputDim: 4 });
  const both = [a, b].map((x) => layers.flatten().apply(lookup.apply(x)) as SymbolicTensor);
  const merged = layers.concatenate().apply([...both, c]);
  return model({ inputs: [a, b, c], outputs: layers.dense({ units: 1 }).apply(merged) as SymbolicTensor });
}

/** A recommender: user and item, one number each. */
function factors(): ReturnType<typeof model> {
  const [user, item] = [input({ shape: [1] }), input({ shape: [1] })];
  const [left, right] = [
    [user, 9],
    [item, 7],
  ].map(([x, count]) => {
    const table = layers.embedding({ inputDim: Number(count), outputDim: 4 });
    return layers.flatten().apply(table.apply(x as SymbolicTensor)) as SymbolicTensor;
  });
  const score = layers.dot({ axes: 1 }).apply([left ?? user, right ?? item]);
  return model({ inputs: [user, item], outputs: layers.dense({ units: 1 }).apply(score) as SymbolicTensor });
}

export const embeddingCases: readonly Case[] = [
  sequentialCase(
    "embedding",
    () => [
      layers.embedding({ inputDim: 12, outputDim: 4, inputLength: 5 }),
      layers.flatten(),
      layers.dense({ units: 3, activation: "softmax" }),
    ],
    [words(5, 12), oneHot(3)],
    { loss: "categoricalCrossentropy", extraRows: 3 },
  ),
  sequentialCase(
    "embedding with a penalty, and adam",
    () => [
      layers.embedding({
        inputDim: 12,
        outputDim: 4,
        inputLength: 5,
        embeddingsRegularizer: regularizers.l2({ l2: 0.01 }),
      }),
      layers.globalAveragePooling1d({}),
      layers.dense({ units: 3, activation: "softmax" }),
    ],
    [words(5, 12), oneHot(3)],
    { loss: "categoricalCrossentropy", optimizer: () => tf.train.adam(0.01) },
  ),
  sequentialCase(
    "embedding of class indices, frozen",
    () => [
      layers.embedding({ inputDim: 6, outputDim: 3, inputLength: 4, trainable: false }),
      layers.flatten(),
      layers.dense({ units: 1, activation: "sigmoid" }),
    ],
    [classIndex(6, [4]), bits([1])],
    { loss: "binaryCrossentropy" },
  ),
  sequentialCase(
    "embedding with maskZero, and lstm",
    () => [
      layers.embedding({ inputDim: 12, outputDim: 4, inputLength: 5, maskZero: true }),
      layers.lstm({ units: 4 }),
      layers.dense({ units: 1, activation: "sigmoid" }),
    ],
    [words(5, 12, 0.4), bits([1])],
    { loss: "binaryCrossentropy", optimizer: () => tf.train.sgd(1) },
  ),
  functionalCase("embedding shared by two inputs", shared, [[words(3, 12), words(2, 12), floats([2])], [floats([1])]], {
    loss: "meanSquaredError",
    optimizer: () => tf.train.momentum(0.05, 0.9),
  }),
  functionalCase("embeddings of users and items", factors, [[words(1, 9), words(1, 7)], [floats([1])]], {
    loss: "meanSquaredError",
    extraRows: 2,
  }),
];
