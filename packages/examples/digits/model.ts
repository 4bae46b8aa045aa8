import { train } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-layers";

/** 8 x 8 pixels to ten digits. */
export default function digitsMlp(): tf.LayersModel {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 64, activation: "relu", inputShape: [64] }),
      tf.layers.dense({ units: 10, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer: train.adam(0.005), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  return model;
}
