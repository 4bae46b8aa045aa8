import { layers, metrics as functions } from "@tensorflow/tfjs-layers";
import { sequentialCase, type Case, type Layers } from "../case.js";
import { bits, classIndex, floats, oneHot } from "../data.js";

const ending = (units: number, activation: "linear" | "softmax" | "sigmoid") => (): Layers => [
  layers.dense({ units: 10, inputShape: [6], activation: "tanh" }),
  layers.dense({ units, activation }),
];

export const metricCases: readonly Case[] = [
  sequentialCase("metrics of one-hot classes", ending(4, "softmax"), [floats([6]), oneHot(4)], {
    loss: "categoricalCrossentropy",
    metrics: [
      "accuracy",
      "crossentropy",
      "categoricalAccuracy",
      "categoricalCrossentropy",
      "precision",
      functions.recall,
    ],
    extraRows: 3,
  }),
  sequentialCase("metrics of class indices", ending(4, "softmax"), [floats([6]), classIndex(4)], {
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy", functions.sparseCategoricalAccuracy, "sparseCategoricalCrossentropy", "crossentropy"],
    extraRows: 3,
  }),
  sequentialCase("metrics of yes and no", ending(1, "sigmoid"), [floats([6]), bits([1])], {
    loss: "binaryCrossentropy",
    metrics: [
      "accuracy",
      "crossentropy",
      "binaryAccuracy",
      functions.binaryCrossentropy,
      "precision",
      functions.recall,
    ],
    extraRows: 3,
  }),
  sequentialCase("metrics of numbers", ending(3, "linear"), [floats([6]), floats([3], 0.5, 2)], {
    loss: "meanSquaredError",
    metrics: ["mse", "mae", "mape", "cosine", functions.r2Score, functions.cosineProximity],
    extraRows: 3,
  }),
  sequentialCase("metrics of numbers, by their long names", ending(3, "linear"), [floats([6]), floats([3], 0.5, 2)], {
    loss: "meanAbsoluteError",
    metrics: [functions.meanSquaredError, functions.meanAbsoluteError, functions.meanAbsolutePercentageError],
    extraRows: 3,
  }),
];
