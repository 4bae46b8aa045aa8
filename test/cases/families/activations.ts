import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { sequentialCase, type Case, type Layer } from "../case.js";
import { floats } from "../data.js";

const activations = [
  "elu",
  "hardSigmoid",
  "linear",
  "relu",
  "relu6",
  "selu",
  "sigmoid",
  "softmax",
  "softplus",
  "softsign",
  "tanh",
  "swish",
  "mish",
  "gelu",
  "gelu_new",
] as const;

const advanced: Readonly<Record<string, () => Layer>> = {
  "layer relu": () => layers.reLU(),
  "layer relu with a maximum": () => layers.reLU({ maxValue: 0.4 }),
  "layer leakyReLU": () => layers.leakyReLU({ alpha: 0.1 }),
  "layer prelu": () => layers.prelu({}),
  "layer elu": () => layers.elu({}),
  "layer softmax": () => layers.softmax({}),
  "layer activation": () => layers.activation({ activation: "tanh" }),
  // tfjs knows the name; its types do not.
  "layer activation logSoftmax": () => layers.activation({ activation: "logSoftmax" as "softmax" }),
};

/** The rate at which the weights move by about a tenth. */
const rates: Readonly<Record<string, number>> = { "layer softmax": 0.3, "activation softmax": 0.1 };

/** Numbers far apart, so that every part of a function is met. */
const around = (name: string, middle: () => Layer): Case =>
  sequentialCase(
    name,
    () => [layers.dense({ units: 12, inputShape: [6] }), middle(), layers.dense({ units: 2 })],
    [floats([6], -3, 3), floats([2])],
    { loss: "meanSquaredError", optimizer: () => tf.train.sgd(rates[name] ?? 0.02) },
  );

export const activationCases: readonly Case[] = [
  ...activations.map((activation) => around(`activation ${activation}`, () => layers.dense({ units: 12, activation }))),
  ...Object.entries(advanced).map(([name, layer]) => around(name, layer)),
  // tfjs has no gradient for it, so it can only be a model's beginning.
  sequentialCase(
    "layer thresholdedReLU",
    () => [layers.thresholdedReLU({ theta: 0.3, inputShape: [6] }), layers.dense({ units: 2 })],
    [floats([6]), floats([2])],
    { loss: "meanSquaredError" },
  ),
];
