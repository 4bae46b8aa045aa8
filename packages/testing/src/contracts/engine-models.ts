import {
  sizeOf,
  tensorOf,
  uniformStream,
  type ModelDefinition,
  type NamedTensors,
  type Tensor,
  type TrainingConfig,
} from "@stampede/core";

type Json = ModelDefinition["topology"];

/** A model and the shapes of its weights; written out, so that the suite needs no tfjs. */
export interface ContractModel {
  readonly definition: ModelDefinition;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

const zeros = { class_name: "Zeros", config: {} };
const ones = { class_name: "Ones", config: {} };

function layer(className: string, name: string, config: Json): Json {
  return { class_name: className, name, config: { name, trainable: true, ...config } };
}

/** A fully connected layer; `inputs` makes it the first of a Sequential. */
function dense(name: string, units: number, activation: string, inputs?: number): Json {
  const first: Json = inputs === undefined ? {} : { batch_input_shape: [null, inputs], dtype: "float32" };
  const config = { units, activation, use_bias: true, kernel_initializer: zeros, bias_initializer: zeros };
  return layer("Dense", name, { ...config, ...first });
}

export function dropout(name: string, rate: number): Json {
  return layer("Dropout", name, { rate, noise_shape: null, seed: null });
}

export function batchNormalization(name: string): Json {
  const initializers = { beta_initializer: zeros, gamma_initializer: ones };
  const moving = { moving_mean_initializer: zeros, moving_variance_initializer: ones };
  const config = { axis: -1, momentum: 0.9, epsilon: 1e-3, center: true, scale: true, ...initializers, ...moving };
  return layer("BatchNormalization", name, config);
}

/** @param optimizer with tfjs' class name and settings */
export function training(
  optimizer: TrainingConfig["optimizer_config"],
  loss: TrainingConfig["loss"],
  metrics: NonNullable<TrainingConfig["metrics"]> = [],
): TrainingConfig {
  return { optimizer_config: optimizer, loss, metrics };
}

export const sgd = { class_name: "SGD", config: { learningRate: 0.5 } };
export const adam = { class_name: "Adam", config: { learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } };

/** 6 inputs, 8 hidden units, 3 classes; more layers go in between. */
export function classifier(config: TrainingConfig, between: readonly Json[] = []): ContractModel {
  const layers = [dense("hidden", 8, "tanh", 6), ...between, dense("classes", 3, "softmax")];
  const normalized = between.some(({ class_name: name }) => name === "BatchNormalization");
  const moving = { "norm/moving_mean": [8], "norm/moving_variance": [8] };
  return {
    definition: {
      format: "tfjs-layers",
      topology: { class_name: "Sequential", config: { name: "classifier", layers } },
      training: config,
      inputs: [{ name: "hidden_input", shape: [6] }],
      outputs: [{ name: "classes", shape: [3] }],
    },
    shapes: {
      "hidden/kernel": [6, 8],
      "hidden/bias": [8],
      ...(normalized && { "norm/gamma": [8], "norm/beta": [8] }),
      "classes/kernel": [8, 3],
      "classes/bias": [3],
      ...(normalized && moving),
    },
  };
}

/** One number from 2, for regression and yes-or-no questions. */
export function single(config: TrainingConfig, activation: string): ContractModel {
  const layers = [dense("answer", 1, activation, 2)];
  return {
    definition: {
      format: "tfjs-layers",
      topology: { class_name: "Sequential", config: { name: "single", layers } },
      training: config,
      inputs: [{ name: "answer_input", shape: [2] }],
      outputs: [{ name: "answer", shape: [1] }],
    },
    shapes: { "answer/kernel": [2, 1], "answer/bias": [1] },
  };
}

/** One of 5 classes (one-hot) beside 3 numbers go in; a class (as its index) and a number come out. */
export function twoByTwo(config: TrainingConfig): ContractModel {
  const input = (name: string, width: number): Json => ({
    ...layer("InputLayer", name, { batch_input_shape: [null, width], dtype: "float32", sparse: false }),
    inbound_nodes: [],
  });
  const after = (description: Json, ...names: string[]): Json => ({
    ...description,
    inbound_nodes: [names.map((name) => [name, 0, 0, {}])],
  });
  const layers = [
    input("word", 5),
    after(dense("lookup", 4, "relu"), "word"),
    input("numbers", 3),
    after(layer("Concatenate", "both", { axis: -1 }), "lookup", "numbers"),
    after(dense("class", 3, "softmax"), "both"),
    after(dense("amount", 1, "linear"), "both"),
  ];
  const ends = {
    input_layers: [
      ["word", 0, 0],
      ["numbers", 0, 0],
    ],
    output_layers: [
      ["class", 0, 0],
      ["amount", 0, 0],
    ],
  };
  return {
    definition: {
      format: "tfjs-layers",
      topology: { class_name: "Model", config: { name: "two_by_two", layers, ...ends } },
      training: config,
      inputs: [
        { name: "word", shape: [5] },
        { name: "numbers", shape: [3] },
      ],
      outputs: [
        { name: "class", shape: [3] },
        { name: "amount", shape: [1] },
      ],
    },
    shapes: {
      "lookup/kernel": [5, 4],
      "lookup/bias": [4],
      "class/kernel": [7, 3],
      "class/bias": [3],
      "amount/kernel": [7, 1],
      "amount/bias": [1],
    },
  };
}

/** Weights between -0.5 and 0.5, and positive where they are variances. */
export function weightsFor({ shapes }: ContractModel, key = 1): Map<string, Tensor> {
  const next = uniformStream(key);
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const values = Float32Array.from({ length: sizeOf(shape) }, () =>
        name.endsWith("variance") ? next() + 0.5 : next() - 0.5,
      );
      return [name, tensorOf(values, shape)];
    }),
  );
}

export function withTensor(tensors: NamedTensors, name: string, tensor: Tensor | undefined): Map<string, Tensor> {
  const changed = new Map(tensors);
  if (tensor === undefined) changed.delete(name);
  else changed.set(name, tensor);
  return changed;
}
