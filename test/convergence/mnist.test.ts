import * as tf from "@tensorflow/tfjs-core";
import { layers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";
import { expect, it } from "vitest";
import { clusterForAll, figure, mnist, report, trained } from "./trainings.js";

const made = clusterForAll();

/** The network of Elephas' first example. */
function perceptron(): LayersModel {
  const model = sequential({
    layers: [
      layers.dense({ units: 128, activation: "relu", inputShape: [784] }),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 128, activation: "relu" }),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 10, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer: tf.train.sgd(0.1), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  return model;
}

function convolutional(): LayersModel {
  const model = sequential({
    layers: [
      layers.conv2d({ filters: 16, kernelSize: 3, activation: "relu", inputShape: [28, 28, 1] }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 32, kernelSize: 3, activation: "relu" }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dense({ units: 10, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  return model;
}

it.each([
  { executors: 1, atLeast: 0.975 },
  { executors: 2, atLeast: 0.972 },
])(
  "a perceptron on MNIST, $executors executors, 10 epochs: accuracy at least $atLeast",
  async ({ executors, atLeast }) => {
    const { distributed } = await trained({
      cluster: made.cluster,
      build: perceptron,
      data: mnist("train", [784]),
      executors,
      epochs: 10,
      batchSize: 64,
    });
    const metrics = await distributed.evaluate(mnist("t10k", [784]));
    report(`MNIST perceptron, ${executors} executors`, metrics);
    expect(figure(metrics, "accuracy")).toBeGreaterThanOrEqual(atLeast);
  },
);

it("a convolutional network on MNIST, 5 epochs: accuracy at least 0.985", async () => {
  const { distributed } = await trained({
    cluster: made.cluster,
    build: convolutional,
    data: mnist("train", [28, 28, 1]),
    executors: 1,
    epochs: 5,
    batchSize: 64,
  });
  const metrics = await distributed.evaluate(mnist("t10k", [28, 28, 1]));
  report("MNIST convolutional network", metrics);
  expect(figure(metrics, "accuracy")).toBeGreaterThanOrEqual(0.985);
});
