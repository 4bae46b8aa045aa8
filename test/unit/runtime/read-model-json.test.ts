import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashTensors, type CompileSettings } from "@stampede/core";
import { defineModel, modelFiles, modelFromJson, readModelJson } from "@stampede/runtime";
import * as tfl from "@tensorflow/tfjs-layers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compiled, smallModel, useCpu } from "./models.js";

useCpu();

const compile: CompileSettings = { optimizer: "sgd", loss: "meanSquaredError", metrics: [] };
const scratch = (): unknown => ({ modelTopology: smallModel().toJSON(null, false) });
const compiledWith = async (changes: Record<string, unknown>): Promise<unknown> => {
  const { definition } = await modelFromJson(scratch(), { compile: { ...compile, ...changes } });
  return definition.training;
};

describe("a model to be trained from scratch", () => {
  it("gets weights that follow from the key", async () => {
    const bits = async (seedKey: number): Promise<string> =>
      hashTensors((await modelFromJson(scratch(), { compile, seedKey })).weights);
    expect(await bits(1)).toBe(await bits(1));
    expect(await bits(1)).not.toBe(await bits(2));
    const original = Math.random;
    await bits(3);
    expect(Math.random).toBe(original);
  });

  it("gets orthogonal recurrent weights too, for which tfjs-layers alone would fail", async () => {
    const recurrent = tfl.layers.lstm({ units: 3, inputShape: [4, 2], recurrentInitializer: "zeros", name: "r" });
    const json = JSON.stringify({ modelTopology: compiled([recurrent]).toJSON(null, false) }).replace(
      '"recurrent_initializer":{"class_name":"Zeros"',
      '"recurrent_initializer":{"class_name":"Orthogonal"',
    );
    const { weights } = await modelFromJson(json, { compile, seedKey: 4 });
    const rows = [...(weights.get("r/recurrent_kernel")?.data ?? [])];
    const first = rows.slice(0, 12);
    expect(first.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
  });

  it("must be told how to train", async () => {
    await expect(modelFromJson(scratch())).rejects.toMatchObject({ code: "model.not-compiled" });
  });

  it("has the same definition as the model it was written from", async () => {
    const { definition } = defineModel(smallModel());
    expect((await modelFromJson(scratch(), { compile })).definition).toEqual({
      ...definition,
      topology: expect.objectContaining({ class_name: "Sequential" }),
      training: { ...definition.training, optimizer_config: { class_name: "SGD", config: { learningRate: 0.01 } } },
    });
  });
});

describe("compile settings", () => {
  it.each([
    ["momentum", "Momentum", { learningRate: 0.01, momentum: 0.9, useNesterov: false }],
    ["adam", "Adam", { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }],
    ["rmsprop", "RMSProp", { learningRate: 0.001, decay: 0.9, momentum: 0, epsilon: 1e-7, centered: false }],
    ["adagrad", "Adagrad", { learningRate: 0.01, initialAccumulatorValue: 0.1 }],
    ["adadelta", "Adadelta", { learningRate: 1, rho: 0.95, epsilon: 1e-7 }],
    ["adamax", "Adamax", { learningRate: 0.002, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, decay: 0 }],
  ])("know the optimizer %s", async (optimizer, name, config) => {
    expect(await compiledWith({ optimizer })).toMatchObject({ optimizer_config: { class_name: name, config } });
  });

  it("take hyperparameters as tf.train does, and Keras' names of losses and metrics", async () => {
    const training = await compiledWith({
      optimizer: { name: "Momentum", learningRate: 0.5, useNesterov: true },
      loss: "mean_squared_error",
      metrics: ["acc", "mean_absolute_error", "r2Score", "recall"],
    });
    expect(training).toEqual({
      optimizer_config: { class_name: "Momentum", config: { learningRate: 0.5, momentum: 0.9, useNesterov: true } },
      loss: "meanSquaredError",
      metrics: ["accuracy", "meanAbsoluteError", "r2Score", "recall"],
    });
    expect(await compiledWith({ loss: "mse" })).toMatchObject({ loss: "meanSquaredError" });
  });

  it.each([
    [
      { optimizer: "adamm" },
      'compile.optimizer: expected an optimizer that tfjs knows by name, found "adamm". Did you mean "adam"?',
    ],
    [{ optimizer: { name: "sgd", learninRate: 1 } }, 'did you mean "learningRate"?'],
    [{ optimizer: { name: "sgd", momentum: 0.9 } }, "is not a setting of sgd, but of momentum"],
    [{ optimizer: { name: "adam", beta1: "high" } }, 'compile.optimizer.beta1 expected a number, found "high"'],
    [{ loss: "categoricalCrosentropy" }, 'Did you mean "categoricalCrossentropy"?'],
    [{ metrics: ["acuracy"] }, 'Did you mean "accuracy"?'],
  ])("refuse %j", async (changes, message) => {
    const training = compiledWith(changes);
    await expect(training).rejects.toMatchObject({ code: "job-file.invalid" });
    await expect(training).rejects.toThrow(message);
  });

  it("refuse a loss for each of more outputs than there are", async () => {
    await expect(compiledWith({ loss: ["hinge", "hinge"] })).rejects.toMatchObject({ code: "model.invalid" });
  });
});

describe("a file", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "stampede-runtime-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  const write = async (files: Readonly<Record<string, Uint8Array | string>>): Promise<string> => {
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
    return join(folder, "model.json");
  };

  it("brings its own weights and training", async () => {
    const defined = defineModel(smallModel({ optimizer: "adam" }));
    const path = await write(modelFiles(defined.definition, defined.weights));
    expect(await readModelJson(path)).toEqual(defined);
    expect((await readModelJson(path, { compile })).definition.training.optimizer_config.class_name).toBe("SGD");
  });

  it("may be Keras' own, converted: another spelling, and the cell within the names", async () => {
    const layers = [
      { class_name: "LSTM", config: { name: "lstm", units: 1, batch_input_shape: [null, 2, 1], use_bias: false } },
    ];
    const names = ["lstm/lstm_cell/kernel", "lstm/lstm_cell/recurrent_kernel"];
    const json = {
      modelTopology: {
        keras_version: "2.15.0",
        model_config: { class_name: "Sequential", config: { name: "m", layers } },
        training_config: {
          loss: "mean_squared_error",
          metrics: ["accuracy"],
          optimizer_config: {
            class_name: "SGD",
            config: { name: "SGD", learning_rate: 0.25, momentum: 0.5, nesterov: true, clipnorm: null },
          },
        },
      },
      weightsManifest: [
        { paths: ["w.bin"], weights: names.map((name) => ({ name, shape: [1, 4], dtype: "float32" })) },
      ],
    };
    const path = await write({
      "model.json": JSON.stringify(json),
      "w.bin": new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer),
    });
    const { definition, weights } = await readModelJson(path);
    expect(definition.training).toEqual({
      optimizer_config: { class_name: "Momentum", config: { learningRate: 0.25, momentum: 0.5, useNesterov: true } },
      loss: "meanSquaredError",
      metrics: ["accuracy"],
    });
    expect([...(weights.get("lstm/recurrent_kernel")?.data ?? [])]).toEqual([5, 6, 7, 8]);
  });

  it("that trains in a way that tfjs cannot is refused, unless compile says otherwise", async () => {
    const { definition, weights } = defineModel(smallModel());
    const files = modelFiles(definition, weights);
    const saved = JSON.parse(new TextDecoder().decode(files["model.json"])) as Record<string, unknown>;
    const config = { learning_rate: 0.1, amsgrad: true };
    const training = { loss: "mse", optimizer_config: { class_name: "Adam", config } };
    const path = await write({
      ...files,
      "model.json": JSON.stringify({ ...saved, userDefinedMetadata: null, trainingConfig: training }),
    });
    await expect(readModelJson(path)).rejects.toMatchObject({ code: "model.unsupported" });
    await expect(readModelJson(path)).rejects.toThrow("the optimizer setting amsgrad");
    expect((await readModelJson(path, { compile })).weights).toEqual(weights);
  });

  it.each([
    { what: "absent", files: {}, code: "model.not-readable" },
    { what: "not JSON", files: { "model.json": "{" }, code: "model.invalid" },
    {
      what: "a graph model",
      files: { "model.json": '{"format":"graph-model","modelTopology":{"node":[]}}' },
      code: "model.invalid",
    },
    { what: "without a class", files: { "model.json": '{"modelTopology":{}}' }, code: "model.invalid" },
  ])("is refused when it is $what", async ({ files, code }) => {
    await write(files);
    await expect(readModelJson(join(folder, "model.json"), { compile })).rejects.toMatchObject({ code });
  });

  it("is refused when its weights are missing or another model's", async () => {
    const { definition, weights } = defineModel(smallModel());
    const { "model.json": json = "" } = modelFiles(definition, weights);
    const path = await write({ "model.json": json });
    await expect(readModelJson(path)).rejects.toMatchObject({ code: "model.not-readable" });
    const other = new Map([...weights].map(([name, tensor]) => [`x${name}`, tensor]));
    await write(modelFiles(definition, other));
    await expect(readModelJson(path)).rejects.toMatchObject({
      code: "model.invalid",
      details: { weight: "only/kernel" },
    });
  });
});
