import * as tf from "@tensorflow/tfjs-core";
import { layers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";
import { expect, it } from "vitest";
import { clusterForAll, figure, report, trained } from "./trainings.js";

const made = clusterForAll();

function convolutional(): LayersModel {
  const model = sequential({
    layers: [
      layers.conv2d({ filters: 16, kernelSize: 3, activation: "relu", padding: "same", inputShape: [8, 8, 1] }),
      layers.batchNormalization(),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 32, kernelSize: 3, activation: "relu", padding: "same" }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dropout({ rate: 0.25 }),
      layers.dense({ units: 10, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.003), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  return model;
}

it("a convolutional network with batchNormalization on the built-in digits, 2 executors: accuracy at least 0.96", async () => {
  const { validation } = await trained({
    cluster: made.cluster,
    build: convolutional,
    data: { format: "builtin", name: "digits", features: { shape: [8, 8, 1], scale: 16 }, labels: { oneHot: 10 } },
    executors: 2,
    epochs: 20,
    batchSize: 32,
    validationSplit: 0.2,
  });
  report("digits, a fifth held out", validation);
  expect(figure(validation, "accuracy")).toBeGreaterThanOrEqual(0.96);
});
