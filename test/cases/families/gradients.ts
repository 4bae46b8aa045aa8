import type { GradientSettings } from "@stampede/core";
import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { gradientReference } from "../changed-gradients.js";
import { sequentialCase, type Case, type Layers } from "../case.js";
import { floats } from "../data.js";

const perceptron = (): Layers => [
  layers.dense({ units: 8, activation: "tanh", inputShape: [6] }),
  layers.dense({ units: 2 }),
];

const changed = (name: string, gradients: GradientSettings, optimizer: () => tf.Optimizer): Case =>
  sequentialCase(name, perceptron, [floats([6]), floats([2])], {
    loss: "meanSquaredError",
    gradients,
    optimizer,
    reference: gradientReference(gradients),
  });

const sgd = (): tf.Optimizer => tf.train.sgd(0.3);

/** Compared with a step of their own, which changes gradients in double precision. */
export const gradientCases: readonly Case[] = [
  changed("gradients clipped by value", { clipValue: 0.05 }, sgd),
  changed("gradients clipped by the norm of each", { clipNorm: 0.2 }, sgd),
  changed("gradients clipped by the norm of all", { globalClipNorm: 0.3 }, sgd),
  changed("gradients kept when they are short", { clipValue: 50, clipNorm: 50, globalClipNorm: 50 }, sgd),
  changed("proximal term", { proximal: 0.5 }, sgd),
  changed(
    "proximal term, all clips, momentum",
    { proximal: 0.1, clipValue: 0.2, clipNorm: 0.4, globalClipNorm: 0.5 },
    () => tf.train.momentum(0.2, 0.9),
  ),
  changed("gradients clipped, adam", { globalClipNorm: 0.1 }, () => tf.train.adam(0.01)),
];
