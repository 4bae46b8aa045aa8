import { isStampedeError, type Field } from "@stampede/core";
import { compileTraining, learningRateMark } from "@stampede/graph";
import { prepareTfjs } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { beforeAll, expect, it } from "vitest";
import { floats, numbersOf, ort, runModel } from "../../support/onnx.js";

beforeAll(prepareTfjs);

const plain = { storage: "float32", encoding: { kind: "affine", subtract: [0], divide: [1] } } as const;
const fields: Field[] = [
  {
    ...plain,
    encoding: { ...plain.encoding, subtract: [0], divide: [1] },
    name: "x",
    role: "feature",
    storedShape: [3],
    shape: [3],
  },
  {
    ...plain,
    encoding: { ...plain.encoding, subtract: [0], divide: [1] },
    name: "y",
    role: "label",
    storedShape: [1],
    shape: [1],
  },
];

/** Compiles a model of one weight whose optimizer makes its step as `step` says. */
function compile(step: (weight: tf.Variable, gradient: tf.Tensor) => void): string {
  const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [3], useBias: false })] });
  const optimizer = tf.train.sgd(learningRateMark);
  model.compile({ optimizer, loss: "meanSquaredError" });
  const weight = model.layers[0]?.weights[0]?.read() as tf.Variable;
  optimizer.applyGradients = (given) => {
    const [gradient] = Array.isArray(given) ? given : Object.values(given).map((tensor) => ({ tensor }));
    if (gradient !== undefined) step(weight, gradient.tensor);
  };
  const functional = Reflect.get(model, "model") as tfl.LayersModel;
  const train = (Reflect.get(functional, "makeTrainFunction") as () => (data: tf.Tensor[]) => tf.Tensor[]).call(
    functional,
  );
  const names = (): Map<tf.Variable, string> => new Map([[weight, "weight"]]);
  try {
    const { manifest } = compileTraining(
      { model: functional, step: train, names, outputs: ["loss"] },
      { batchSize: 4, fields },
    );
    return manifest.kind;
  } catch (error) {
    if (!isStampedeError(error)) throw error;
    return `${error.code}: ${String(error.details["reason"])}`;
  } finally {
    model.dispose();
  }
}

it("takes an optimizer that multiplies by its learning rate", () => {
  expect(compile((weight, gradient) => weight.assign(tf.sub(weight, tf.mul(gradient, learningRateMark))))).toBe(
    "train",
  );
});

it("refuses an optimizer that computes with its learning rate first, which would be baked in", () => {
  const halved = learningRateMark / 2;
  expect(compile((weight, gradient) => weight.assign(tf.sub(weight, tf.mul(gradient, halved))))).toBe(
    "model.not-traceable: learning-rate",
  );
});

it("takes a number of the model that equals the mark for what it is", async () => {
  const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [3], useBias: false })] });
  model.compile({ optimizer: tf.train.sgd(learningRateMark), loss: "meanSquaredError" });
  const functional = Reflect.get(model, "model") as tfl.LayersModel;
  const train = (Reflect.get(functional, "makeTrainFunction") as () => (data: tf.Tensor[]) => tf.Tensor[]).call(
    functional,
  );
  const step = (data: tf.Tensor[]): tf.Tensor[] => [...train(data), tf.scalar(learningRateMark)];
  const names = (): Map<tf.Variable, string> =>
    new Map(model.weights.map((weight) => [weight.read() as tf.Variable, "weight"]));
  const source = { model: functional, step, names, outputs: ["loss", "mark"] };
  const { bytes } = compileTraining(source, { batchSize: 4, fields });
  model.dispose();
  const results = await runModel(bytes, {
    "variable/0": floats([1, 2, 3], [3, 1]),
    "data/0": floats(Array<number>(12).fill(1), [4, 3]),
    "data/1": floats([0, 0, 0, 0], [4, 1]),
    order: new ort.Tensor("int32", Int32Array.of(0, 1, 2, 3), [1, 4]),
    lr: floats([0.5], []),
  });
  expect(numbersOf(results["metric/1"])).toEqual([learningRateMark]);
  // The gradient is 2 * 6 for each weight: here the rate that was fed is at work.
  expect(numbersOf(results["out:variable/0"])).toEqual([-5, -4, -3]);
});
