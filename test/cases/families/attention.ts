import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { Encoder, MeanOfTokens, type EncoderConfig } from "../../support/encoder-layer.js";
import { adaptiveBound, sequentialCase, type Case, type Layers } from "../case.js";
import { floats, oneHot } from "../data.js";

const columns = [floats([5, 6]), oneHot(3)] as const;

const encoders = (config: Partial<EncoderConfig>) => (): Layers => [
  layers.dense({ units: 8, inputShape: [5, 6] }),
  ...["first", "second"].map((name) => new Encoder({ name, heads: 2, hidden: 12, dropout: 0, ...config })),
  new MeanOfTokens({}),
  layers.dense({ units: 3, activation: "softmax" }),
];
const loss = "categoricalCrossentropy";

/** Transformer encoders of plain tfjs operations. */
export const attentionCases: readonly Case[] = [
  sequentialCase("encoder", encoders({}), columns, { loss, extraRows: 3 }),
  sequentialCase("encoder with dropout", encoders({ dropout: 0.1 }), columns, { loss }),
  sequentialCase("encoder, gelu", encoders({ activation: "gelu" }), columns, { loss }),
  sequentialCase(
    "encoder, gelu by tanh, one weight of all heads",
    encoders({ activation: "geluTanh", isJoint: true }),
    columns,
    {
      loss,
      optimizer: () => tf.train.momentum(0.1, 0.9),
    },
  ),
  // What is added to all keys of a query alike changes no softmax.
  sequentialCase("encoder, adam", encoders({ dropout: 0.1 }), columns, {
    loss,
    optimizer: () => tf.train.adam(0.01),
    bound: adaptiveBound,
    undetermined: ["first/k-bias", "second/k-bias"],
  }),
];
