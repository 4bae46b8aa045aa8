import { defineModel, prepareTfjs, withSeededRandom, type DefinedModel } from "@stampede/runtime";
import { train, type Optimizer } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-layers";
import { lstmShape, type CaseName } from "./cases.js";
import { encoder, residual, series, tagger } from "./deep-models.js";

const seed = 7;
const { layers } = tf;

/** The case's compiled network, with the same weights in every run. */
export async function modelOf(name: CaseName): Promise<DefinedModel> {
  await prepareTfjs();
  const model = withSeededRandom(seed, () => networks[name]());
  try {
    // The encoder's layers are its own.
    return defineModel(model, { allowCustom: true });
  } finally {
    model.dispose();
  }
}

const networks: Readonly<Record<CaseName, () => tf.LayersModel>> = {
  mlp: () => classifier(mlp(128, 0.2), train.sgd(0.1)),
  "mlp-adam": () => classifier(mlp(128, 0.2), train.adam(0.001)),
  "big-mlp": () => classifier(mlp(512, 0), train.sgd(0.1)),
  cnn: () =>
    classifier(
      [
        layers.conv2d({ inputShape: [28, 28, 1], filters: 16, kernelSize: 3, activation: "relu" }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.conv2d({ filters: 32, kernelSize: 3, activation: "relu" }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.flatten(),
        softmax(),
      ],
      train.sgd(0.05),
    ),
  cifar: () =>
    classifier(
      [
        layers.conv2d({ inputShape: [32, 32, 3], filters: 32, kernelSize: 3, padding: "same", activation: "relu" }),
        layers.conv2d({ filters: 32, kernelSize: 3, padding: "same", activation: "relu" }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.conv2d({ filters: 64, kernelSize: 3, padding: "same", activation: "relu" }),
        layers.conv2d({ filters: 64, kernelSize: 3, padding: "same", activation: "relu" }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.flatten(),
        layers.dense({ units: 128, activation: "relu" }),
        softmax(),
      ],
      train.sgd(0.05),
    ),
  lstm: () => {
    const { vocabulary, embedding, units, length } = lstmShape;
    const model = tf.sequential({
      layers: [
        layers.embedding({ inputDim: vocabulary, outputDim: embedding, inputLength: length }),
        layers.lstm({ units, recurrentInitializer: "glorotUniform" }),
        layers.dense({ units: 1, activation: "sigmoid" }),
      ],
    });
    model.compile({ optimizer: train.adam(0.01), loss: "binaryCrossentropy", metrics: ["accuracy"] });
    return model;
  },
  resnet: () => residual(),
  gru: () => series("gru"),
  rnn: () => series("simpleRNN"),
  "lstm-2": () => tagger(),
  encoder: () => encoder(),
};

function mlp(units: number, dropout: number): tf.layers.Layer[] {
  const afterwards = (): tf.layers.Layer[] => (dropout === 0 ? [] : [layers.dropout({ rate: dropout })]);
  return [
    layers.dense({ inputShape: [784], units, activation: "relu" }),
    ...afterwards(),
    layers.dense({ units, activation: "relu" }),
    ...afterwards(),
    softmax(),
  ];
}

function softmax(): tf.layers.Layer {
  return layers.dense({ units: 10, activation: "softmax" });
}

function classifier(stack: tf.layers.Layer[], optimizer: Optimizer): tf.LayersModel {
  const model = tf.sequential({ layers: stack });
  model.compile({ optimizer, loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  return model;
}
