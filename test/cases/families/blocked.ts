import * as tf from "@tensorflow/tfjs-core";
import { input, layers, model, type LayersModel, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { functionalCase, sequentialCase, type Case, type Layers } from "../case.js";
import { floats, oneHot } from "../data.js";

type Conv2d = Parameters<typeof layers.conv2d>[0];

const loss = "categoricalCrossentropy";

const conv = (changes: Partial<Conv2d> = {}): Layers[number] =>
  layers.conv2d({ filters: 16, kernelSize: 3, padding: "same", activation: "tanh", ...changes });
const head = (): Layers => [layers.flatten(), layers.dense({ units: 3, activation: "softmax" })];

/** Pictures with as many channels as blocks have, or about. */
function net(name: string, shape: readonly number[], body: () => Layers, optimizer = () => tf.train.sgd(0.05)): Case {
  const all = (): Layers => {
    const [first, ...others] = body();
    if (first === undefined) throw new Error("a net without layers");
    return [layers.inputLayer({ inputShape: [...shape] }), first, ...others, ...head()];
  };
  return sequentialCase(`blocks: ${name}`, all, [floats(shape), oneHot(3)], {
    loss,
    batchSize: 2,
    extraRows: 1,
    optimizer,
  });
}

/** A block of a residual net, with its shortcut through a convolution. */
function residual(): LayersModel {
  const x = input({ shape: [8, 8, 3] });
  const norm = (y: SymbolicTensor): SymbolicTensor => layers.batchNormalization().apply(y) as SymbolicTensor;
  const tanh = (y: SymbolicTensor): SymbolicTensor =>
    layers.activation({ activation: "tanh" }).apply(y) as SymbolicTensor;
  const plain = (changes: Partial<Conv2d>, y: SymbolicTensor): SymbolicTensor =>
    conv({ activation: "linear", useBias: false, ...changes }).apply(y) as SymbolicTensor;
  const start = tanh(norm(plain({}, x)));
  const inner = norm(plain({}, tanh(norm(plain({ strides: 2 }, start)))));
  const shortcut = norm(plain({ strides: 2, kernelSize: 1 }, start));
  const sum = tanh(layers.add().apply([inner, shortcut]) as SymbolicTensor);
  const means = layers.globalAveragePooling2d({}).apply(sum);
  const outputs = layers.dense({ units: 3, activation: "softmax" }).apply(means) as SymbolicTensor;
  return model({ inputs: x, outputs });
}

/** Smooth activations in front of what would switch a relu, as in the other families. */
export const blockedCases: readonly Case[] = [
  net("convolutions", [2, 16, 16], () => [conv(), conv()]),
  net("two blocks, valid, first layer of 3 channels", [4, 16, 3], () => [
    conv({ padding: "valid" }),
    conv({ filters: 32 }),
  ]),
  net("channels that fill no block", [2, 16, 3], () => [
    conv({ filters: 12 }),
    conv({ filters: 20 }),
    conv({ filters: 10 }),
  ]),
  net("strides, even and odd", [8, 9, 16], () => [conv({ strides: 2 }), conv({ strides: [2, 1] }), conv()]),
  net("kernels of one place", [4, 4, 16], () => [conv({ kernelSize: 1 }), conv({ kernelSize: 1, strides: 2 })]),
  net("pictures of one place", [1, 1, 16], () => [conv(), conv({ kernelSize: 1 })]),
  net("maximum pooling over relus", [8, 8, 3], () => [
    conv({ activation: "relu" }),
    layers.maxPooling2d({ poolSize: 2 }),
    conv({ activation: "relu" }),
    layers.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" }),
  ]),
  net("mean pooling that overlaps", [9, 7, 3], () => [
    conv(),
    layers.averagePooling2d({ poolSize: 3, strides: 2, padding: "same" }),
    conv(),
    layers.averagePooling2d({ poolSize: 2, strides: 1 }),
  ]),
  net("normalised", [6, 6, 3], () => [
    conv({ activation: "linear", useBias: false }),
    layers.batchNormalization(),
    layers.activation({ activation: "tanh" }),
    conv({ activation: "linear" }),
    layers.batchNormalization({ trainable: false }),
    layers.activation({ activation: "sigmoid" }),
  ]),
  net("depthwise, separable and transposed", [6, 6, 3], () => [
    conv(),
    layers.depthwiseConv2d({ kernelSize: 3, padding: "same", activation: "tanh" }),
    layers.separableConv2d({ filters: 16, kernelSize: 3, activation: "tanh" }),
    layers.conv2dTranspose({ filters: 16, kernelSize: 3, strides: 2, padding: "same", activation: "tanh" }),
  ]),
  net(
    "dropout and momentum",
    [4, 16, 3],
    () => [conv(), layers.dropout({ rate: 0.3 }), conv({ activation: "elu" })],
    () => tf.train.momentum(0.02, 0.9),
  ),
  functionalCase("blocks: residual", residual, [[floats([8, 8, 3])], [oneHot(3)]], {
    loss,
    batchSize: 4,
    optimizer: () => tf.train.sgd(0.05),
  }),
];
