import * as tf from "@tensorflow/tfjs-core";
import { input, layers, model, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import {
  functionalCase,
  sequentialCase,
  type Case,
  type Layer,
  type Layers,
  type Maker,
  type Settings,
} from "../case.js";
import { floats, oneHot, padded } from "../data.js";

const loss = "meanSquaredError";
const length = 5;
const width = 3;
const sequences = floats([length, width]);
const inputShape = [length, width];

const kinds = ["simpleRNN", "gru", "lstm"] as const;
type Kind = (typeof kinds)[number];

const made = { simpleRNN: layers.simpleRNN, gru: layers.gru, lstm: layers.lstm };

function recurrent(name: string, first: () => Layers, x: Maker = sequences, more: Partial<Settings> = {}): Case {
  const all = (): Layers => [...first(), layers.dense({ units: 2 })];
  return sequentialCase(name, all, [x, floats([2])], { loss, optimizer: () => tf.train.sgd(0.3), ...more });
}

const each = (kind: Kind): readonly Case[] => [
  recurrent(kind, () => [made[kind]({ units: 4, inputShape })]),
  recurrent(`${kind} of sequences, backwards`, () => [
    made[kind]({ units: 4, inputShape, returnSequences: true, goBackwards: true }),
    made[kind]({ units: 3 }),
  ]),
  recurrent(
    `${kind}, masked`,
    () => [layers.masking({ maskValue: 0, inputShape }), made[kind]({ units: 4 })],
    padded(length, width),
  ),
  recurrent(
    `${kind} with dropout and recurrent dropout`,
    () => [made[kind]({ units: 4, inputShape, dropout: 0.2, recurrentDropout: 0.3 })],
    sequences,
    { extraRows: 3 },
  ),
  functionalCase(`${kind} with an initial state`, () => started(kind), [[sequences, floats([4])], [floats([2])]], {
    loss,
    optimizer: () => tf.train.sgd(0.3),
  }),
];

/** The state that it begins with is computed from a second input. */
function started(kind: Kind): ReturnType<typeof model> {
  const [x, start] = [input({ shape: [length, width] }), input({ shape: [4] })];
  const state = (): SymbolicTensor => layers.dense({ units: 4, activation: "tanh" }).apply(start) as SymbolicTensor;
  const initialState = kind === "lstm" ? [state(), state()] : [state()];
  const last = made[kind]({ units: 4 }).apply(x, { initialState });
  return model({ inputs: [x, start], outputs: layers.dense({ units: 2 }).apply(last) as SymbolicTensor });
}

/** The last state of an encoder begins the decoder. */
function translator(): ReturnType<typeof model> {
  const [x, y] = [input({ shape: [length, width] }), input({ shape: [3, 2] })];
  const [, h, c] = layers.lstm({ units: 4, returnState: true }).apply(x) as SymbolicTensor[];
  const decoder = layers.lstm({ units: 4, returnSequences: true });
  const decoded = decoder.apply(y, { initialState: [h, c] as SymbolicTensor[] });
  const classes = layers.timeDistributed({ layer: layers.dense({ units: 3, activation: "softmax" }) });
  return model({ inputs: [x, y], outputs: classes.apply(decoded) as SymbolicTensor });
}

const bidirectional = (name: string, mergeMode: "concat" | "sum" | "mul"): Case =>
  recurrent(`bidirectional lstm, ${name}`, () => [
    layers.bidirectional({ layer: layers.lstm({ units: 3, returnSequences: true }), mergeMode, inputShape }),
    layers.flatten(),
  ]);

const stacked = (): Layer =>
  layers.rnn({ cell: [layers.lstmCell({ units: 3 }), layers.gruCell({ units: 4 })], inputShape });

export const recurrentCases: readonly Case[] = [
  ...kinds.flatMap(each),
  recurrent("lstm, other activations", () => [
    layers.lstm({ units: 4, inputShape, activation: "sigmoid", recurrentActivation: "tanh", unitForgetBias: false }),
  ]),
  recurrent("lstm without bias, implementation 2", () => [
    layers.lstm({ units: 4, inputShape, useBias: false, implementation: 2 }),
  ]),
  recurrent("lstm, gates open and shut", () => [layers.rescaling({ scale: 8, inputShape }), layers.lstm({ units: 4 })]),
  recurrent("gru without bias, gates open and shut", () => [
    layers.rescaling({ scale: 8, inputShape }),
    layers.gru({ units: 4, useBias: false }),
  ]),
  recurrent("gru and adam", () => [layers.gru({ units: 4, inputShape })], sequences, {
    optimizer: () => tf.train.adam(0.01),
  }),
  bidirectional("side by side", "concat"),
  bidirectional("added", "sum"),
  bidirectional("multiplied", "mul"),
  recurrent(
    "bidirectional lstm, masked",
    () => [
      layers.masking({ maskValue: 0, inputShape }),
      layers.bidirectional({ layer: layers.lstm({ units: 3 }), mergeMode: "concat" }),
    ],
    padded(length, width),
  ),
  recurrent("bidirectional gru, average of the last step", () => [
    layers.bidirectional({ layer: layers.gru({ units: 3 }), mergeMode: "ave", inputShape }),
  ]),
  recurrent("stacked cells", () => [stacked()]),
  recurrent("steps of a sequence, each judged", () => [
    layers.lstm({ units: 4, inputShape, returnSequences: true }),
    layers.flatten(),
  ]),
  functionalCase("encoder and decoder", translator, [[sequences, floats([3, 2])], [oneHot(3, [3])]], {
    loss: "categoricalCrossentropy",
    optimizer: () => tf.train.sgd(0.5),
    extraRows: 2,
  }),
  sequentialCase(
    "convLstm2d",
    () => [
      layers.convLstm2d({ filters: 2, kernelSize: 2, inputShape: [3, 4, 4, 1] }),
      layers.flatten(),
      layers.dense({ units: 2 }),
    ],
    [floats([3, 4, 4, 1]), floats([2])],
    { loss, batchSize: 4 },
  ),
];
