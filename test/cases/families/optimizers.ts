import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { adaptiveBound, sequentialCase, type Case, type Layers } from "../case.js";
import { bytes, floats, oneHot } from "../data.js";

const perceptron = (): Layers => [
  layers.dense({ units: 12, inputShape: [10], activation: "relu" }),
  layers.dense({ units: 8, activation: "tanh" }),
  layers.dense({ units: 4, activation: "softmax" }),
];

const smooth = (): Layers => [
  layers.dense({ units: 12, inputShape: [10], activation: "tanh" }),
  layers.dense({ units: 4, activation: "softmax" }),
];

const optimizers: Readonly<Record<string, () => tf.Optimizer>> = {
  sgd: () => tf.train.sgd(0.2),
  momentum: () => tf.train.momentum(0.05, 0.9),
  nesterov: () => tf.train.momentum(0.05, 0.9, true),
  adam: () => tf.train.adam(0.01),
  "adam, other betas": () => tf.train.adam(0.01, 0.8, 0.99, 1e-6),
  adamax: () => tf.train.adamax(0.01),
  "adamax with decay": () => tf.train.adamax(0.01, 0.9, 0.999, 1e-7, 0.1),
  rmsprop: () => tf.train.rmsprop(0.01),
  "rmsprop with momentum": () => tf.train.rmsprop(0.01, 0.9, 0.5),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(1),
};

/** The size of a real network: 118,000 weights. */
const large = (name: string, optimizer: () => tf.Optimizer, bound?: number): Case =>
  sequentialCase(
    `perceptron 784-128-128-10, ${name}`,
    () => [
      layers.dense({ units: 128, inputShape: [784], activation: "relu" }),
      layers.dense({ units: 128, activation: "relu" }),
      layers.dense({ units: 10, activation: "softmax" }),
    ],
    [bytes([784]), oneHot(10)],
    { loss: "categoricalCrossentropy", batchSize: 32, optimizer, ...(bound !== undefined && { bound }) },
  );

const settings = { loss: "categoricalCrossentropy", metrics: ["accuracy"], extraRows: 3 };

export const optimizerCases: readonly Case[] = [
  ...Object.entries(optimizers).map(([name, optimizer]) =>
    sequentialCase(`perceptron, ${name}`, perceptron, [floats([10]), oneHot(4)], { optimizer, ...settings }),
  ),
  large("sgd", () => tf.train.sgd(0.1)),
  large("rmsprop", () => tf.train.rmsprop(0.001)),
  large("adam", () => tf.train.adam(0.001), adaptiveBound),
  large("adamax", () => tf.train.adamax(0.002), adaptiveBound),
  // tfjs takes epsilon away under the root instead of adding it: where a gradient is zero, weights become NaN.
  sequentialCase("perceptron, rmsprop, centered", smooth, [floats([10]), oneHot(4)], {
    optimizer: () => tf.train.rmsprop(0.01, 0.9, 0.3, 1e-12, true),
    ...settings,
  }),
];
