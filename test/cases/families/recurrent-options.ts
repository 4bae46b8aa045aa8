import * as tf from "@tensorflow/tfjs-core";
import { initializers, input, layers, model, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { functionalCase, sequentialCase, type Case, type Layer, type Layers, type Maker } from "../case.js";
import { floats, masked, words } from "../data.js";
import { halfRootCell, leakyCell, rootCell } from "../leaky-cell.js";

const loss = "meanSquaredError";
const length = 9;
const inputShape = [length, 5];
const sequences = floats(inputShape);
const makers = { simpleRNN: layers.simpleRNN, gru: layers.gru, lstm: layers.lstm };
type Kind = keyof typeof makers;
const kinds = ["simpleRNN", "gru", "lstm"] as const satisfies readonly Kind[];
type Options = Readonly<Record<string, unknown>>;

/** All kinds take these options. */
const made = (kind: Kind, options: Options): Layer => makers[kind]({ units: 7, ...options });

function recurrent(name: string, first: () => Layers, x: Maker = sequences, rate = 0.1): Case {
  const all = (): Layers => [...first(), layers.dense({ units: 1 })];
  return sequentialCase(name, all, [x, floats([1])], { loss, optimizer: () => tf.train.sgd(rate) });
}

const embedded = (): Layer =>
  layers.embedding({
    inputDim: 8,
    outputDim: 5,
    inputLength: length,
    maskZero: true,
    embeddingsInitializer: initializers.randomUniform({ minval: -0.5, maxval: 0.5, seed: 5 }),
  });

const sigmoid = (kind: Kind): Options =>
  kind === "simpleRNN" ? { activation: "sigmoid" } : { recurrentActivation: "sigmoid" };

const each = (kind: Kind): readonly Case[] => [
  recurrent(`${kind} with sigmoids, backwards, without bias`, () => [
    made(kind, { ...sigmoid(kind), inputShape, goBackwards: true, useBias: false }),
  ]),
  recurrent(`${kind} with relu`, () => [made(kind, { inputShape, activation: "relu" })], sequences, 0.03),
  recurrent(`${kind} with selu`, () => [made(kind, { inputShape, activation: "selu" })], sequences, 0.03),
  recurrent(
    `${kind} of words, zeros masked, two layers`,
    () => [embedded(), made(kind, { returnSequences: true }), made(kind, { units: 6 })],
    words(length, 8, 0.4),
    0.3,
  ),
  recurrent(
    `${kind}, masked, with dropout`,
    () => [embedded(), made(kind, { dropout: 0.3, recurrentDropout: 0.4, returnSequences: true }), layers.flatten()],
    words(length, 8, 0.4),
    0.05,
  ),
  functionalCase(`${kind}, its last states begin another`, () => continued(kind), [[sequences], [floats([1])]], {
    loss,
    optimizer: () => tf.train.sgd(0.1),
  }),
  recurrent(`${kind} of a single step`, () => [made(kind, { inputShape: [1, 5] })], floats([1, 5]), 0.5),
];

/** The last states of one layer begin another one over the same sequence. */
function continued(kind: Kind): ReturnType<typeof model> {
  const x = input({ shape: inputShape });
  const [, ...states] = made(kind, { returnState: true }).apply(x) as SymbolicTensor[];
  const again = made(kind, { returnSequences: true }).apply(x, { initialState: states });
  const flat = layers.flatten().apply(again) as SymbolicTensor;
  return model({ inputs: x, outputs: layers.dense({ units: 1 }).apply(flat) as SymbolicTensor });
}

const masking = (shape: number[]): Layer => layers.masking({ maskValue: 0, inputShape: shape });

export const recurrentOptionCases: readonly Case[] = [
  ...kinds.flatMap(each),
  recurrent(
    "lstm, some rows masked altogether",
    () => [masking(inputShape), layers.lstm({ units: 4, returnSequences: true }), layers.gru({ units: 3 })],
    masked(length, 5),
  ),
  recurrent(
    "bidirectional gru of sequences, some rows masked altogether",
    () => [
      masking(inputShape),
      layers.bidirectional({ layer: layers.gru({ units: 4, returnSequences: true }), mergeMode: "concat" }),
      layers.simpleRNN({ units: 3 }),
    ],
    masked(length, 5),
  ),
  recurrent("cell of one's own", () => [
    layers.rnn({ cell: leakyCell(4), inputShape, returnSequences: true }),
    layers.flatten(),
  ]),
  recurrent("cell of one's own, half of its gradient infinite", () => [
    layers.rnn({ cell: halfRootCell(4), inputShape, returnSequences: true }),
    layers.flatten(),
  ]),
  recurrent("cell of one's own, its gradient infinite where it is cut", () => [
    layers.rnn({ cell: rootCell(4), inputShape, returnSequences: true }),
    layers.flatten(),
  ]),
  recurrent(
    "three stacked cells, masked, with an own one",
    () => [
      masking(inputShape),
      layers.rnn({ cell: [layers.gruCell({ units: 4 }), leakyCell(3), layers.simpleRNNCell({ units: 5 })] }),
    ],
    masked(length, 5),
  ),
  sequentialCase(
    "convLstm2d of sequences, padded, in a row",
    () => [
      layers.convLstm2d({
        filters: 3,
        kernelSize: 3,
        padding: "same",
        returnSequences: true,
        inputShape: [4, 5, 5, 2],
      }),
      layers.convLstm2d({ filters: 2, kernelSize: 2, strides: 2, recurrentActivation: "sigmoid", useBias: false }),
      layers.flatten(),
      layers.dense({ units: 2 }),
    ],
    [floats([4, 5, 5, 2]), floats([2])],
    { loss, batchSize: 4 },
  ),
  // So many rows that gradients of weights are added up step by step.
  sequentialCase(
    "convLstm2d of larger pictures, channels first",
    () => [
      layers.convLstm2d({ filters: 2, kernelSize: 2, dataFormat: "channelsFirst", inputShape: [2, 1, 13, 13] }),
      layers.flatten(),
      layers.dense({ units: 2 }),
    ],
    [floats([2, 1, 13, 13]), floats([2])],
    { loss, optimizer: () => tf.train.sgd(0.01) },
  ),
];
