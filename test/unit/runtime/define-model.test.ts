import { ModelDefinition } from "@stampede/core";
import { createEngine, defineModel } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { describe, expect, it } from "vitest";
import { compiled, smallModel, thrownBy, useCpu } from "./models.js";

useCpu();

describe("what it takes from a model", () => {
  it("describes topology, training, inputs and outputs as plain JSON", () => {
    const model = compiled([tfl.layers.dense({ units: 4, inputShape: [5] }), tfl.layers.dense({ units: 3 })], {
      optimizer: tf.train.adam(0.02),
      loss: "categoricalCrossentropy",
      metrics: ["acc"],
    });
    const { definition } = defineModel(model);
    expect(ModelDefinition.parse(definition)).toEqual(definition);
    expect(definition.topology).toEqual(model.toJSON(null, false));
    expect(definition.training).toEqual({
      optimizer_config: { class_name: "Adam", config: { learningRate: 0.02, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } },
      loss: "categoricalCrossentropy",
      metrics: ["accuracy"],
    });
    expect(definition.inputs).toEqual([{ name: expect.any(String), shape: [5] }]);
    expect(definition.outputs).toEqual([{ name: expect.any(String), shape: [3] }]);
  });

  it("copies all weights in the model's order, frozen ones and moving statistics too", () => {
    const model = compiled([
      tfl.layers.dense({ units: 2, inputShape: [3], name: "first", trainable: false }),
      tfl.layers.batchNormalization({ name: "norm" }),
    ]);
    const { weights } = defineModel(model);
    expect([...weights.keys()]).toEqual(model.weights.map(({ originalName }) => originalName));
    expect([...weights.keys()].toSorted()).toEqual([
      "first/bias",
      "first/kernel",
      "norm/beta",
      "norm/gamma",
      "norm/moving_mean",
      "norm/moving_variance",
    ]);
    weights.get("norm/gamma")?.data.fill(7);
    expect([...(model.getLayer("norm").getWeights()[0]?.dataSync() ?? [])]).toEqual([1, 1]);
  });

  it("names weights equally when the same model is built again in the process", () => {
    const names = (): string[] => [...defineModel(smallModel()).weights.keys()];
    expect(names()).toEqual(["only/kernel", "only/bias"]);
    expect(names()).toEqual(["only/kernel", "only/bias"]);
  });

  it("numbers the names that nested models repeat", () => {
    const inner = (name: string): tfl.Sequential =>
      tfl.sequential({ name, layers: [tfl.layers.dense({ units: 2, inputShape: [2], name: "same", useBias: false })] });
    const { weights } = defineModel(compiled([inner("a"), inner("b"), inner("c")]));
    expect([...weights.keys()]).toEqual(["same/kernel", "same/kernel_1", "same/kernel_2"]);
  });

  it("knows the functions of tf.metrics by their names", () => {
    const metrics = [tfl.metrics.binaryAccuracy, tfl.metrics.recall, tfl.metrics.r2Score, tfl.metrics.MSE];
    const { training } = defineModel(smallModel({ metrics, loss: tfl.metrics.meanSquaredError })).definition;
    expect(training.metrics).toEqual(["binaryAccuracy", "recall", "r2Score", "mse"]);
    expect(training.loss).toBe("meanSquaredError");
  });

  it("keeps losses and metrics apart by output", () => {
    const input = tfl.input({ shape: [2] });
    const ends = ["left", "right"].map(
      (name) => tfl.layers.dense({ units: 1, name }).apply(input) as tfl.SymbolicTensor,
    );
    const model = tfl.model({ inputs: input, outputs: ends });
    const loss = { left: "meanSquaredError", right: "hinge" };
    model.compile({ optimizer: "sgd", loss, metrics: { right: "mae" } });
    const { definition } = defineModel(model);
    expect(definition.training).toMatchObject({ loss, metrics: { right: "mae" } });
    expect(definition.outputs.map(({ name }) => name)).toEqual(["left", "right"]);
  });

  it.each(["sgd", "adam", "rmsprop", "adagrad", "adadelta", "adamax"])("takes the optimizer %s", (optimizer) => {
    const { class_name: name } = defineModel(smallModel({ optimizer })).definition.training.optimizer_config;
    expect(name.toLowerCase()).toBe(optimizer);
  });

  it("keeps what is frozen in a model within the model, which tfjs forgets when it saves one", async () => {
    const base = tfl.sequential({
      name: "base",
      layers: [tfl.layers.dense({ units: 2, inputShape: [2], name: "frozen" })],
    });
    base.trainable = false;
    const front = tfl.layers.dense({ units: 2, inputShape: [2], name: "front", useBias: false });
    const head = tfl.layers.dense({ units: 1, name: "head", useBias: false });
    const model = compiled([front, base, head], { optimizer: tf.train.momentum(0.1, 0.9) });
    const { definition, weights } = defineModel(model);
    const session = await (await createEngine("tfjs-cpu")).open(definition);
    await session.load(weights);
    const column = (name: string, role: "feature" | "label", shape: number[]) => ({
      field: {
        name,
        role,
        storage: "float32",
        storedShape: shape,
        shape,
        encoding: { kind: "affine", subtract: [0], divide: [1] },
      } as const,
      tensor: { dtype: "float32", shape: [1, ...shape], data: Float32Array.of(1, 2).subarray(0, shape[0]) } as const,
    });
    const data = { rows: 1, fields: [column("x", "feature", [2]), column("y", "label", [1])] } as never;
    await session.train({ data, order: Uint32Array.of(0), batchSize: 1, fromBatch: 0, toBatch: 1, randomKey: 0 });
    const { weights: after, optimizer } = await session.save();
    expect(after.get("frozen/kernel")).toEqual(weights.get("frozen/kernel"));
    expect(after.get("head/kernel")).not.toEqual(weights.get("head/kernel"));
    const slots = ["front/kernel", "head/kernel"].map((name) => `optimizer/accumulations/${name}`);
    expect([...optimizer.keys()]).toEqual(slots);
    session.close();
  });

  it("keeps the depth multiplier of separable convolutions, which tfjs forgets when it saves one", async () => {
    const separable = (name: string, inputShape: number[]): tfl.layers.Layer =>
      tfl.layers.separableConv2d({ filters: 2, kernelSize: 2, depthMultiplier: 3, name, inputShape });
    const model = compiled([
      tfl.layers.timeDistributed({ layer: separable("inner", [4, 4, 1]), inputShape: [2, 4, 4, 1], name: "outer" }),
      tfl.layers.reshape({ targetShape: [6, 3, 2] }),
      separable("alone", [6, 3, 2]),
    ]);
    const { definition, weights } = defineModel(model);
    const session = await (await createEngine("tfjs-cpu")).open(definition);
    await session.load(weights);
    expect((await session.save()).weights.get("alone/depthwise_kernel")?.shape).toEqual([2, 2, 2, 3]);
    session.close();
  });
});

class Doubling extends tfl.layers.Layer {
  static readonly className = "Doubling";
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.mul([inputs].flat()[0] ?? 0, 2);
  }
}

const dense = (): ReturnType<typeof tfl.layers.dense> => tfl.layers.dense({ units: 2, inputShape: [3] });
const ownLoss = (): tf.Tensor => tf.scalar(0);

describe("what it refuses", () => {
  it.each([
    { what: "no object", value: 5, message: "found number" },
    { what: "another object", value: { layers: [] }, message: "found an object of class Object" },
    { what: "null", value: null, message: "found null" },
  ])("$what", ({ value, message }) => {
    const error = thrownBy(() => defineModel(value as never));
    expect(error).toMatchObject({ code: "model.invalid" });
    expect(String(error)).toContain(message);
  });

  it("a model that is not compiled", () => {
    const model = tfl.sequential({ layers: [dense()] });
    expect(thrownBy(() => defineModel(model))).toMatchObject({ code: "model.not-compiled" });
  });

  it.each([
    {
      what: "a custom layer",
      names: `class "Doubling"`,
      model: () => compiled([dense(), new Doubling({ name: "twice" })]),
    },
    { what: "a loss of one's own", names: "the function ownLoss", model: () => smallModel({ loss: ownLoss }) },
    { what: "a metric of one's own", names: "the function ownLoss", model: () => smallModel({ metrics: [ownLoss] }) },
    {
      what: "a loss of tf.losses, which tfjs cannot send either",
      names: "the function softmaxCrossEntropy",
      model: () => smallModel({ loss: tf.losses.softmaxCrossEntropy }),
    },
    {
      what: "state between batches",
      names: "stateful memory",
      model: () =>
        compiled([tfl.layers.simpleRNN({ units: 2, batchInputShape: [4, 3, 2], stateful: true, name: "memory" })]),
    },
    {
      what: "a fixed batch size",
      names: "batches of 4 rows",
      model: () => compiled([tfl.layers.dense({ units: 2, batchInputShape: [4, 3] })]),
    },
  ])("$what", ({ names, model }) => {
    const error = thrownBy(() => defineModel(model()));
    expect(error).toMatchObject({ code: "model.unsupported" });
    expect(String(error)).toContain(names);
  });

  it("an optimizer of one's own", () => {
    class Mine extends tf.SGDOptimizer {
      static override get className(): string {
        return "Mine";
      }
    }
    const error = thrownBy(() => defineModel(smallModel({ optimizer: new Mine(0.1) })));
    expect(error).toMatchObject({ code: "model.unsupported", details: { optimizer: "Mine" } });
  });
});
