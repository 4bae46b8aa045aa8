import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { sequentialCase, type Case, type Layer, type Layers } from "../case.js";
import { floats, oneHot } from "../data.js";

const around = (middle: () => Layer) => (): Layers => [
  layers.dense({ units: 12, inputShape: [6], activation: "tanh" }),
  middle(),
  layers.dense({ units: 8, activation: "tanh" }),
  middle(),
  layers.dense({ units: 3, activation: "softmax" }),
];

const kinds: Readonly<Record<string, () => Layer>> = {
  dropout: () => layers.dropout({ rate: 0.3 }),
  // tfjs draws the same mask in every step.
  "dropout with a seed": () => layers.dropout({ rate: 0.3, seed: 7 }),
  gaussianNoise: () => layers.gaussianNoise({ stddev: 0.4 }),
  gaussianDropout: () => layers.gaussianDropout({ rate: 0.3 }),
  alphaDropout: () => layers.alphaDropout({ rate: 0.2 }),
};

const settings = { loss: "categoricalCrossentropy", metrics: ["accuracy"], extraRows: 3 };

export const noiseCases: readonly Case[] = [
  ...Object.entries(kinds).map(([name, layer]) =>
    sequentialCase(name, around(layer), [floats([6]), oneHot(3)], settings),
  ),
  sequentialCase(
    "dropout and adam",
    around(() => layers.dropout({ rate: 0.5 })),
    [floats([6]), oneHot(3)],
    {
      ...settings,
      optimizer: () => tf.train.adam(0.01),
    },
  ),
  sequentialCase(
    "dropout of whole steps",
    () => [
      layers.dropout({ rate: 0.4, noiseShape: [8, 4, 1], inputShape: [4, 5] }),
      layers.flatten(),
      layers.dense({ units: 3, activation: "softmax" }),
    ],
    [floats([4, 5]), oneHot(3)],
    { loss: "categoricalCrossentropy" },
  ),
  sequentialCase(
    "spatialDropout1d",
    () => [
      layers.spatialDropout1d({ rate: 0.4, inputShape: [4, 5] }),
      layers.dense({ units: 4, activation: "tanh" }),
      layers.flatten(),
      layers.dense({ units: 3, activation: "softmax" }),
    ],
    [floats([4, 5]), oneHot(3)],
    settings,
  ),
];
