import * as tf from "@tensorflow/tfjs-core";
import { layers, regularizers } from "@tensorflow/tfjs-layers";
import { sequentialCase, type Case, type Layer, type Layers, type Maker } from "../case.js";
import { floats, oneHot } from "../data.js";

type Conv1d = Parameters<typeof layers.conv1d>[0];
type Conv2d = Parameters<typeof layers.conv2d>[0];

const loss = "categoricalCrossentropy";
const picture = [6, 7, 2] as const;

/** Two layers of the kind: the second one also has a gradient for its input. Smooth activations, or masks flip. */
function twice(name: string, x: Maker, layer: (inputShape?: number[]) => Layer, shape: readonly number[]): Case {
  const all = (): Layers => [
    layer([...shape]),
    layer(),
    layers.flatten(),
    layers.dense({ units: 3, activation: "softmax" }),
  ];
  return sequentialCase(name, all, [x, oneHot(3)], { loss, batchSize: 4, optimizer: () => tf.train.sgd(0.1) });
}

const conv1d = (name: string, config: Partial<Conv1d>): Case =>
  twice(
    `conv1d, ${name}`,
    floats([12, 3]),
    (inputShape) =>
      layers.conv1d({ filters: 4, kernelSize: 3, activation: "tanh", ...config, ...(inputShape && { inputShape }) }),
    [12, 3],
  );

const conv2d = (name: string, config: Partial<Conv2d>, shape: readonly number[] = picture): Case =>
  twice(
    `conv2d, ${name}`,
    floats(shape),
    (inputShape) =>
      layers.conv2d({ filters: 3, kernelSize: 2, activation: "tanh", ...config, ...(inputShape && { inputShape }) }),
    shape,
  );

const others: readonly Case[] = [
  twice(
    "depthwiseConv2d with a multiplier",
    floats(picture),
    (inputShape) =>
      layers.depthwiseConv2d({
        kernelSize: 2,
        depthMultiplier: 2,
        activation: "tanh",
        ...(inputShape && { inputShape }),
      }),
    picture,
  ),
  twice(
    "depthwiseConv2d, same, strides 2",
    floats(picture),
    (inputShape) =>
      layers.depthwiseConv2d({
        kernelSize: 3,
        padding: "same",
        strides: 2,
        activation: "tanh",
        ...(inputShape && { inputShape }),
      }),
    picture,
  ),
  twice(
    "separableConv2d",
    floats(picture),
    (inputShape) =>
      layers.separableConv2d({
        filters: 3,
        kernelSize: 2,
        depthMultiplier: 2,
        activation: "tanh",
        ...(inputShape && { inputShape }),
      }),
    picture,
  ),
  twice(
    "separableConv2d, same",
    floats(picture),
    (inputShape) =>
      layers.separableConv2d({
        filters: 3,
        kernelSize: 3,
        padding: "same",
        activation: "tanh",
        ...(inputShape && { inputShape }),
      }),
    picture,
  ),
  twice(
    "conv2dTranspose",
    floats([3, 4, 2]),
    (inputShape) =>
      layers.conv2dTranspose({ filters: 2, kernelSize: 3, activation: "tanh", ...(inputShape && { inputShape }) }),
    [3, 4, 2],
  ),
  twice(
    "conv2dTranspose, same, strides 2",
    floats([2, 3, 2]),
    (inputShape) =>
      layers.conv2dTranspose({
        filters: 2,
        kernelSize: 3,
        strides: 2,
        padding: "same",
        activation: "tanh",
        ...(inputShape && { inputShape }),
      }),
    [2, 3, 2],
  ),
  twice(
    "conv3d",
    floats([4, 4, 4, 2]),
    (inputShape) => layers.conv3d({ filters: 2, kernelSize: 2, activation: "tanh", ...(inputShape && { inputShape }) }),
    [4, 4, 4, 2],
  ),
];

const network = (optimizer: () => tf.Optimizer, name: string): Case =>
  sequentialCase(
    `convolutional network, ${name}`,
    () => [
      layers.conv2d({ filters: 4, kernelSize: 3, activation: "relu", inputShape: [10, 10, 1] }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({
        filters: 6,
        kernelSize: 3,
        activation: "relu",
        kernelRegularizer: regularizers.l2({ l2: 0.001 }),
      }),
      layers.dropout({ rate: 0.3 }),
      layers.flatten(),
      layers.dense({ units: 3, activation: "softmax" }),
    ],
    [floats([10, 10, 1]), oneHot(3)],
    { loss, metrics: ["accuracy"], batchSize: 4, extraRows: 3, optimizer },
  );

export const convolutionCases: readonly Case[] = [
  conv1d("valid", {}),
  conv1d("same", { padding: "same" }),
  conv1d("strides 2", { strides: 2 }),
  conv1d("same, strides 2", { padding: "same", strides: 2 }),
  conv2d("valid", {}),
  conv2d("same", { padding: "same", kernelSize: 3 }),
  conv2d("strides 2", { strides: 2 }),
  conv2d("same, strides 2 and 1, kernel 3 x 2", { padding: "same", strides: [2, 1], kernelSize: [3, 2] }),
  conv2d("kernel 1", { kernelSize: 1 }),
  conv2d("no bias, one channel", { useBias: false, kernelSize: 3 }, [6, 7, 1]),
  conv2d("channels first", { dataFormat: "channelsFirst" }, [2, 6, 7]),
  ...others,
  network(() => tf.train.sgd(0.05), "sgd"),
  network(() => tf.train.adam(0.01), "adam"),
];
