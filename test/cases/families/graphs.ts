import * as tf from "@tensorflow/tfjs-core";
import { input, layers, model, sequential, type SymbolicTensor } from "@tensorflow/tfjs-layers";
import { functionalCase, type Case } from "../case.js";
import { bits, classIndex, floats, oneHot } from "../data.js";

type Model = ReturnType<typeof model>;
type Tensors = SymbolicTensor | SymbolicTensor[];

const dense = (
  units: number,
  activation: "relu" | "tanh" | "softmax" | "sigmoid" | "linear",
  x: Tensors,
): SymbolicTensor => layers.dense({ units, activation }).apply(x) as SymbolicTensor;

/** Two inputs, a residual, a gate, and normalisation. */
function gated(): Model {
  const [a, b] = [input({ shape: [6] }), input({ shape: [4] })];
  const joined = layers.concatenate().apply([dense(5, "tanh", a), dense(3, "tanh", b)]) as SymbolicTensor;
  const residual = layers.add().apply([joined, dense(8, "tanh", joined)]);
  const normal = layers.layerNormalization().apply(residual) as SymbolicTensor;
  const gate = layers.multiply().apply([normal, dense(8, "sigmoid", normal)]) as SymbolicTensor;
  return model({ inputs: [a, b], outputs: dense(3, "softmax", gate) });
}

/** Three outputs of unequal widths. */
function threefold(): Model {
  const x = input({ shape: [6] });
  const hidden = dense(8, "tanh", x);
  const named = (name: string, units: number, activation: "softmax" | "sigmoid" | "linear"): SymbolicTensor =>
    layers.dense({ name, units, activation }).apply(hidden) as SymbolicTensor;
  const outputs = [named("kind", 4, "softmax"), named("amount", 2, "linear"), named("answer", 1, "sigmoid")];
  return model({ inputs: x, outputs });
}

/** One output is computed from another one. */
function chained(): Model {
  const x = input({ shape: [6] });
  const first = layers.dense({ name: "first", units: 3, activation: "softmax" }).apply(x) as SymbolicTensor;
  const second = layers.dense({ name: "second", units: 2 }).apply(first) as SymbolicTensor;
  return model({ inputs: x, outputs: [first, second] });
}

/** The same layers judge both inputs. */
function siamese(): Model {
  const [a, b] = [input({ shape: [5] }), input({ shape: [5] })];
  const tower = sequential({
    layers: [layers.dense({ units: 6, activation: "tanh", inputShape: [5] }), layers.dense({ units: 3 })],
  });
  const [left, right] = [tower.apply(a), tower.apply(b)] as [SymbolicTensor, SymbolicTensor];
  const closeness = layers.dot({ axes: 1, normalize: true }).apply([left, right]) as SymbolicTensor;
  return model({ inputs: [a, b], outputs: dense(1, "sigmoid", closeness) });
}

/** A model of two outputs inside of a model. */
function nested(): Model {
  const inner = threefold();
  const x = input({ shape: [6] });
  const [kind, amount] = inner.apply(dense(6, "tanh", x)) as SymbolicTensor[];
  const joined = layers.concatenate().apply([kind, amount] as SymbolicTensor[]) as SymbolicTensor;
  return model({ inputs: x, outputs: dense(2, "linear", joined) });
}

const momentum = (): tf.Optimizer => tf.train.momentum(0.05, 0.9);

export const graphCases: readonly Case[] = [
  functionalCase("two inputs, residual, gate", gated, [[floats([6]), floats([4])], [oneHot(3)]], {
    loss: "categoricalCrossentropy",
    metrics: ["accuracy"],
    extraRows: 3,
  }),
  functionalCase("three outputs, three losses", threefold, [[floats([6])], [oneHot(4), floats([2]), bits([1])]], {
    loss: ["categoricalCrossentropy", "meanSquaredError", "binaryCrossentropy"],
    metrics: { kind: ["accuracy"], amount: ["mae", "mse"], answer: "precision" },
    optimizer: momentum,
    extraRows: 1,
  }),
  functionalCase("three outputs, losses by name", threefold, [[floats([6])], [classIndex(4), floats([2]), bits([1])]], {
    loss: { kind: "sparseCategoricalCrossentropy", amount: "meanAbsoluteError", answer: "meanSquaredError" },
    metrics: ["accuracy"],
  }),
  functionalCase("an output computed from another", chained, [[floats([6])], [oneHot(3), floats([2])]], {
    loss: ["categoricalCrossentropy", "meanSquaredError"],
  }),
  functionalCase("layers shared by two inputs", siamese, [[floats([5]), floats([5])], [bits([1])]], {
    loss: "binaryCrossentropy",
    optimizer: () => tf.train.adam(0.01),
  }),
  functionalCase("a model of several outputs inside a model", nested, [[floats([6])], [floats([2])]], {
    loss: "meanSquaredError",
  }),
];
