import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { sequentialCase, type Case, type Layers, type Maker } from "../case.js";
import { bits, classIndex, distributions, floats, oneHot, signs } from "../data.js";

type Activation = "linear" | "softmax" | "sigmoid" | "softplus" | "tanh";

const ending = (units: number, activation: Activation) => (): Layers => [
  layers.dense({ units: 10, inputShape: [6], activation: "tanh" }),
  layers.dense({ units, activation }),
];

/** What each loss wants as labels and predictions. */
const wanted: readonly [loss: string, units: number, activation: Activation, labels: Maker, rate: number][] = [
  ["meanSquaredError", 3, "linear", floats([3]), 0.2],
  ["meanAbsoluteError", 3, "linear", floats([3]), 0.2],
  ["meanAbsolutePercentageError", 3, "linear", floats([3], 0.5, 2), 0.005],
  ["meanSquaredLogarithmicError", 3, "softplus", floats([3], 0, 4), 0.2],
  ["squaredHinge", 1, "tanh", signs([1]), 0.2],
  ["hinge", 1, "tanh", signs([1]), 0.2],
  ["categoricalHinge", 4, "softmax", oneHot(4), 0.2],
  ["logcosh", 3, "linear", floats([3], -3, 3), 0.2],
  ["categoricalCrossentropy", 4, "softmax", oneHot(4), 0.2],
  ["sparseCategoricalCrossentropy", 4, "softmax", classIndex(4), 0.2],
  ["binaryCrossentropy", 1, "sigmoid", bits([1]), 0.5],
  ["kullbackLeiblerDivergence", 4, "softmax", distributions(4), 1],
  ["poisson", 2, "softplus", floats([2], 0, 5), 0.2],
  ["cosineProximity", 4, "linear", floats([4]), 0.5],
];

/** Labels of each step of a sequence. */
const sequences: readonly Case[] = [
  sequentialCase(
    "loss categoricalCrossentropy of each step",
    () => [
      layers.dense({ units: 6, inputShape: [5, 3], activation: "tanh" }),
      layers.dense({ units: 4, activation: "softmax" }),
    ],
    [floats([5, 3]), oneHot(4, [5])],
    { loss: "categoricalCrossentropy", metrics: ["accuracy", "mse"] },
  ),
  sequentialCase(
    "loss sparseCategoricalCrossentropy of one column",
    ending(4, "softmax"),
    [floats([6]), classIndex(4, [1])],
    { loss: "sparseCategoricalCrossentropy", metrics: ["accuracy"] },
  ),
  sequentialCase("loss binaryCrossentropy of several labels", ending(5, "sigmoid"), [floats([6]), bits([5])], {
    loss: "binaryCrossentropy",
    metrics: ["binaryAccuracy"],
  }),
  sequentialCase("loss categoricalCrossentropy of a sigmoid", ending(4, "sigmoid"), [floats([6]), oneHot(4)], {
    loss: "categoricalCrossentropy",
  }),
];

export const lossCases: readonly Case[] = [
  ...wanted.map(([loss, units, activation, labels, rate]) =>
    sequentialCase(`loss ${loss}`, ending(units, activation), [floats([6]), labels], {
      loss,
      optimizer: () => tf.train.sgd(rate),
    }),
  ),
  ...sequences,
];
