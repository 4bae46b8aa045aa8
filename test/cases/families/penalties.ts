import { constraints, layers, model as functional, input, regularizers, sequential } from "@tensorflow/tfjs-layers";
import { functionalCase, sequentialCase, type Case, type Layers } from "../case.js";
import { floats, oneHot } from "../data.js";

type Dense = Parameters<typeof layers.dense>[0];

const perceptron =
  (changes: Partial<Dense>, last: Partial<Dense> = {}) =>
  (): Layers => [
    layers.dense({ units: 10, inputShape: [8], activation: "tanh", ...changes }),
    layers.dense({ units: 4, activation: "softmax", ...last }),
  ];

const changes: Readonly<Record<string, () => Layers>> = {
  "regularizer l1 of a kernel": perceptron({ kernelRegularizer: regularizers.l1({ l1: 0.01 }) }),
  "regularizer l2 of kernels": perceptron(
    { kernelRegularizer: regularizers.l2({ l2: 0.05 }) },
    { kernelRegularizer: regularizers.l2({ l2: 0.02 }) },
  ),
  "regularizer l1l2 of kernel and bias": perceptron({
    kernelRegularizer: regularizers.l1l2({ l1: 0.01, l2: 0.02 }),
    biasRegularizer: regularizers.l1l2({ l1: 0.02, l2: 0.01 }),
  }),
  // tfjs applies constraints when weights are set, not when they are trained.
  "constraint maxNorm": perceptron({ kernelConstraint: constraints.maxNorm({ maxValue: 0.5 }) }),
  "constraint unitNorm": perceptron({ kernelConstraint: constraints.unitNorm({}) }),
  "constraint nonNeg of kernel and bias": perceptron({
    kernelConstraint: constraints.nonNeg(),
    biasConstraint: constraints.nonNeg(),
  }),
  "constraint minMaxNorm": perceptron({ kernelConstraint: constraints.minMaxNorm({ minValue: 0.2, maxValue: 0.6 }) }),
  "frozen first layer": perceptron({ trainable: false }),
  "frozen last layer": perceptron({}, { trainable: false }),
  "no bias": perceptron({ useBias: false }, { useBias: false }),
};

export const penaltyCases: readonly Case[] = [
  ...Object.entries(changes).map(([name, each]) =>
    sequentialCase(name, each, [floats([8]), oneHot(4)], { loss: "categoricalCrossentropy" }),
  ),
  functionalCase(
    "frozen model inside a model, with a penalty",
    () => {
      const inner = sequential({ layers: perceptron({ kernelRegularizer: regularizers.l2({ l2: 0.01 }) })() });
      inner.trainable = false;
      const x = input({ shape: [8] });
      const first = layers.dense({ units: 8, activation: "tanh" }).apply(x);
      return functional({ inputs: x, outputs: inner.apply(first) as ReturnType<typeof input> });
    },
    [[floats([8])], [oneHot(4)]],
    { loss: "categoricalCrossentropy" },
  ),
];
