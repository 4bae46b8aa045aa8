import { train } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-layers";

/** The network of Elephas' first example: 784-128-128-10, relu, dropout, softmax. */
export default function mnistMlp(): tf.LayersModel {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 128, activation: "relu", inputShape: [784] }),
      tf.layers.dropout({ rate: 0.2 }),
      tf.layers.dense({ units: 128, activation: "relu" }),
      tf.layers.dropout({ rate: 0.2 }),
      tf.layers.dense({ units: 10, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer: train.sgd(0.1), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  return model;
}
