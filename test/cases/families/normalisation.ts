import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { sequentialCase, type Case, type Layers } from "../case.js";
import { floats, oneHot } from "../data.js";

type BatchNorm = Parameters<typeof layers.batchNormalization>[0];
type LayerNorm = Parameters<typeof layers.layerNormalization>[0];

const loss = "categoricalCrossentropy";

const dense = (middle: () => Layers[number]) => (): Layers => [
  layers.dense({ units: 10, inputShape: [6] }),
  middle(),
  layers.activation({ activation: "tanh" }),
  layers.dense({ units: 3, activation: "softmax" }),
];

/** Whatever the bias is, the mean is taken away. */
const biased = (): Layers => [
  layers.dense({ name: "first", units: 10, inputShape: [6] }),
  layers.batchNormalization({ name: "norm" }),
  layers.activation({ activation: "tanh" }),
  layers.dense({ units: 3, activation: "softmax" }),
];

/** Smooth activations: where numbers are normalised around 0, rounding alone would switch a relu. */
const pictures = (changes: BatchNorm) => (): Layers => [
  layers.conv2d({ filters: 4, kernelSize: 3, useBias: false, inputShape: [6, 6, 2] }),
  layers.batchNormalization(changes),
  layers.activation({ activation: "sigmoid" }),
  layers.flatten(),
  layers.dense({ units: 3, activation: "softmax" }),
];

const batchNorms: Readonly<Record<string, BatchNorm>> = {
  batchNormalization: {},
  "batchNormalization, momentum .9": { momentum: 0.9, epsilon: 0.01 },
  "batchNormalization, frozen": { trainable: false },
};

const layerNorms: Readonly<Record<string, LayerNorm>> = {
  layerNormalization: {},
  "layerNormalization, epsilon .01": { epsilon: 0.01 },
};

const sequences = (changes: LayerNorm) => (): Layers => [
  layers.dense({ units: 5, inputShape: [4, 3] }),
  layers.layerNormalization(changes),
  layers.activation({ activation: "tanh" }),
  layers.flatten(),
  layers.dense({ units: 3, activation: "softmax" }),
];

export const normalisationCases: readonly Case[] = [
  ...Object.entries(batchNorms).map(([name, changes]) =>
    sequentialCase(
      name,
      dense(() => layers.batchNormalization(changes)),
      [floats([6], -2, 4), oneHot(3)],
      {
        loss,
        extraRows: 5,
      },
    ),
  ),
  sequentialCase("batchNormalization after biases, and adam", biased, [floats([6], -2, 4), oneHot(3)], {
    loss,
    optimizer: () => tf.train.adam(0.01),
    undetermined: ["first/bias", "norm/moving_mean"],
  }),
  sequentialCase("batchNormalization of pictures, and adam", pictures({}), [floats([6, 6, 2]), oneHot(3)], {
    loss,
    optimizer: () => tf.train.adam(0.01),
  }),
  sequentialCase("batchNormalization of pictures", pictures({}), [floats([6, 6, 2]), oneHot(3)], { loss }),
  ...Object.entries(layerNorms).map(([name, changes]) =>
    sequentialCase(
      name,
      dense(() => layers.layerNormalization(changes)),
      [floats([6], -2, 4), oneHot(3)],
      {
        loss,
        extraRows: 5,
      },
    ),
  ),
  sequentialCase("layerNormalization of sequences", sequences({}), [floats([4, 3]), oneHot(3)], { loss }),
  sequentialCase("layerNormalization over two axes", sequences({ axis: [1, 2] }), [floats([4, 3]), oneHot(3)], {
    loss,
  }),
];
