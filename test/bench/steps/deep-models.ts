import { train } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-layers";
import { Encoder, MeanOfTokens } from "../../support/encoder-layer.js";
import { encoderShape, lstmShape, seriesShape } from "./cases.js";

const { layers } = tf;

/** tfjs' usual orthogonal one takes seconds for large matrices. */
const recurrentInitializer = "glorotUniform";

/** A small ResNet: six blocks of two convolutions with BatchNormalization. */
export function residual(): tf.LayersModel {
  const input = tf.input({ shape: [32, 32, 3] });
  const conv = (x: tf.SymbolicTensor, filters: number, strides = 1, kernelSize = 3): tf.SymbolicTensor =>
    single(layers.conv2d({ filters, strides, kernelSize, padding: "same", useBias: false }).apply(x));
  const norm = (x: tf.SymbolicTensor): tf.SymbolicTensor => single(layers.batchNormalization({}).apply(x));
  const relu = (x: tf.SymbolicTensor): tf.SymbolicTensor => single(layers.reLU().apply(x));
  let x = relu(norm(conv(input, 16)));
  const blocks = [
    [16, 1],
    [16, 1],
    [32, 2],
    [32, 1],
    [64, 2],
    [64, 1],
  ] as const;
  for (const [filters, strides] of blocks) {
    const inside = norm(conv(relu(norm(conv(x, filters, strides))), filters));
    const around = strides === 1 ? x : conv(x, filters, strides, 1);
    x = relu(single(layers.add().apply([inside, around])));
  }
  const pooled = single(layers.globalAveragePooling2d({}).apply(x));
  const output = single(layers.dense({ units: 10, activation: "softmax" }).apply(pooled));
  const model = tf.model({ inputs: input, outputs: output });
  model.compile({ optimizer: train.momentum(0.05, 0.9), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  return model;
}

function single(tensor: ReturnType<tf.layers.Layer["apply"]>): tf.SymbolicTensor {
  if (tensor instanceof tf.SymbolicTensor) return tensor;
  throw new TypeError("expected one symbolic tensor");
}

/** One recurrent layer over many steps. */
export function series(kind: "gru" | "simpleRNN"): tf.LayersModel {
  const { units, length, inputs } = seriesShape;
  return yesOrNo([layers[kind]({ units, inputShape: [length, inputs], recurrentInitializer })], 0.001);
}

/** Two recurrent layers, with an answer for each step. */
export function tagger(): tf.LayersModel {
  const { vocabulary, embedding, units, length } = lstmShape;
  const recurrent = (): tf.layers.Layer => layers.lstm({ units, returnSequences: true, recurrentInitializer });
  const words = layers.embedding({ inputDim: vocabulary, outputDim: embedding, inputLength: length });
  return yesOrNo([words, recurrent(), recurrent()], 0.01);
}

function yesOrNo(stack: tf.layers.Layer[], rate: number): tf.LayersModel {
  const model = tf.sequential({ layers: [...stack, layers.dense({ units: 1, activation: "sigmoid" })] });
  model.compile({ optimizer: train.adam(rate), loss: "binaryCrossentropy", metrics: ["accuracy"] });
  return model;
}

/** Four encoder layers of plain tfjs operations. */
export function encoder(): tf.LayersModel {
  const { vocabulary, length, width, heads, hidden, layers: count, dropout, classes } = encoderShape;
  const model = tf.sequential({
    layers: [
      layers.embedding({ inputDim: vocabulary, outputDim: width, inputLength: length }),
      ...Array.from({ length: count }, () => new Encoder({ heads, hidden, dropout })),
      new MeanOfTokens({}),
      layers.dense({ units: classes, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer: train.adam(0.001), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  return model;
}
