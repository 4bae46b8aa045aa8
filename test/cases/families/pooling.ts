import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { sequentialCase, type Case, type Layer, type Layers, type Maker } from "../case.js";
import { bits, floats, oneHot } from "../data.js";

const loss = "categoricalCrossentropy";
type Start = readonly [Maker, () => Layer];

const pictures: Start = [
  floats([7, 6, 1]),
  () => layers.conv2d({ filters: 3, kernelSize: 2, activation: "tanh", inputShape: [7, 6, 1] }),
];
const sequences: Start = [
  floats([9, 2]),
  () => layers.conv1d({ filters: 3, kernelSize: 2, activation: "tanh", inputShape: [9, 2] }),
];
const volumes: Start = [
  floats([5, 4, 4, 1]),
  () => layers.conv3d({ filters: 2, kernelSize: 2, activation: "tanh", inputShape: [5, 4, 4, 1] }),
];
/** A relu whose windows hold many equal numbers. */
const ties: Start = [
  bits([7, 6, 1]),
  () => layers.conv2d({ filters: 2, kernelSize: 1, useBias: false, inputShape: [7, 6, 1] }),
];
const flat = (): Layer => layers.flatten();

function pooled(name: string, [x, first]: Start, ...middle: readonly (() => Layer)[]): Case {
  const all = (): Layers => [
    first(),
    ...middle.map((layer) => layer()),
    layers.dense({ units: 3, activation: "softmax" }),
  ];
  return sequentialCase(name, all, [x, oneHot(3)], { loss, batchSize: 4, optimizer: () => tf.train.sgd(0.2) });
}

type Pool2d = Parameters<typeof layers.maxPooling2d>[0];

const pools: Readonly<Record<string, Pool2d>> = {
  "windows 2": { poolSize: 2 },
  "windows 3 x 2, same": { poolSize: [3, 2], padding: "same" },
  "windows 3, strides 2, overlapping": { poolSize: 3, strides: 2 },
  "windows 3, strides 1, same": { poolSize: 3, strides: 1, padding: "same" },
  "windows 2, strides 3, gaps": { poolSize: 2, strides: 3 },
};

export const poolingCases: readonly Case[] = [
  ...Object.entries(pools).flatMap(([name, config]) => [
    pooled(`maxPooling2d, ${name}`, pictures, () => layers.maxPooling2d(config), flat),
    pooled(`averagePooling2d, ${name}`, pictures, () => layers.averagePooling2d(config), flat),
  ]),
  pooled("maxPooling2d, ties", ties, () => layers.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" }), flat),
  pooled("maxPooling1d", sequences, () => layers.maxPooling1d({ poolSize: 3, strides: 2, padding: "same" }), flat),
  pooled(
    "averagePooling1d",
    sequences,
    () => layers.averagePooling1d({ poolSize: 3, strides: 2, padding: "same" }),
    flat,
  ),
  pooled("maxPooling3d", volumes, () => layers.maxPooling3d({ poolSize: 2, strides: 1 }), flat),
  pooled(
    "averagePooling3d",
    volumes,
    () => layers.averagePooling3d({ poolSize: 2, strides: 2, padding: "same" }),
    flat,
  ),
  pooled("globalMaxPooling1d", sequences, () => layers.globalMaxPooling1d({})),
  pooled("globalAveragePooling1d", sequences, () => layers.globalAveragePooling1d({})),
  pooled("globalMaxPooling2d", pictures, () => layers.globalMaxPooling2d({})),
  pooled("globalAveragePooling2d", pictures, () => layers.globalAveragePooling2d({})),
  pooled("globalMaxPooling2d, ties", ties, () => layers.globalMaxPooling2d({})),
];
