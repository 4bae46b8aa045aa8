import type { ModelDefinition } from "@stampede/core";
import { chooseEngine, defineModel } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { expect, it } from "vitest";
import { compiled, smallModel, useCpu } from "./models.js";

useCpu();

const { layers } = tfl;
const dense = (): ModelDefinition => defineModel(smallModel()).definition;
const convolution = (): ModelDefinition =>
  defineModel(
    compiled([
      layers.conv2d({ filters: 2, kernelSize: 2, inputShape: [4, 4, 1] }),
      layers.flatten(),
      layers.dense({ units: 2 }),
    ]),
  ).definition;
const embedding = (): ModelDefinition =>
  defineModel(
    compiled([layers.embedding({ inputDim: 3, outputDim: 2, inputShape: [null] }), layers.globalAveragePooling1d({})]),
  ).definition;

it("takes wasm for what it can train", async () => {
  expect(await chooseEngine(dense())).toBe("tfjs-wasm");
});

it("leaves the caller's tfjs as it was", async () => {
  const model = dense();
  const { numTensors } = tf.memory();
  await chooseEngine(model);
  expect(tf.getBackend()).toBe("cpu");
  expect(tf.memory().numTensors).toBe(numTensors);
});

it("falls back to the CPU where wasm lacks a kernel for training, and not for prediction", async () => {
  const model = convolution();
  expect(await chooseEngine(model)).toBe("tfjs-cpu");
  expect(await chooseEngine(model, undefined, "infer")).toBe("tfjs-wasm");
});

it("falls back to the CPU for an embedding of sequences of any length", async () => {
  expect(await chooseEngine(embedding())).toBe("tfjs-cpu");
});

it("takes the engine that is wanted", async () => {
  expect(await chooseEngine(dense(), "tfjs-wasm")).toBe("tfjs-wasm");
  expect(await chooseEngine(convolution(), "tfjs-cpu")).toBe("tfjs-cpu");
  expect(await chooseEngine(convolution(), "compiled")).toBe("compiled");
});

it("says why the compiled engine cannot run what it is wanted for", async () => {
  const encode = layers.categoryEncoding({ numTokens: 8, outputMode: "multiHot", inputShape: [2] });
  const choice = chooseEngine(defineModel(compiled([encode, layers.dense({ units: 2 })])).definition, "compiled");
  await expect(choice).rejects.toMatchObject({ code: "model.not-traceable" });
});

it("names the kernel that a wanted engine lacks", async () => {
  const choice = chooseEngine(convolution(), "tfjs-wasm");
  await expect(choice).rejects.toMatchObject({
    code: "engine.unavailable",
    details: { engine: "tfjs-wasm", kernel: "Conv2DBackpropFilter" },
  });
  await expect(choice).rejects.toThrow("Leave `engine` out");
});

it("refuses a model that no engine can build or train", async () => {
  const model = dense();
  const unknown = {
    ...model,
    topology: { class_name: "Sequential", config: { name: "m", layers: [{ class_name: "Teleport", config: {} }] } },
  };
  await expect(chooseEngine(unknown)).rejects.toMatchObject({ code: "model.unsupported" });
  const twoLosses = { ...model, training: { ...model.training, loss: ["hinge", "hinge"] } };
  await expect(chooseEngine(twoLosses)).rejects.toMatchObject({ code: "model.invalid" });
  const noGradient = compiled([layers.dense({ units: 2, inputShape: [2] }), layers.thresholdedReLU({})]);
  const choice = chooseEngine(defineModel(noGradient).definition);
  await expect(choice).rejects.toMatchObject({ code: "model.unsupported" });
  await expect(choice).rejects.toThrow("Cannot compute gradient");
});
