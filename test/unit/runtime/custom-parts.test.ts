import { createEngine, createGraphCompiler, defineModel, modelFiles, readModelFiles } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { describe, expect, it } from "vitest";
import { classRows, fieldsOf, using, wholeEpoch } from "../../support/compiled-models.js";
import { Doubling, scaledError, wholeError } from "../../support/custom-parts.js";
import { compiled, useCpu } from "./models.js";

useCpu();

const data = classRows(20);
const fields = fieldsOf(data);
const dense = (): tfl.layers.Layer => tfl.layers.dense({ units: 3, inputShape: [6], name: "only" });
const allow = { allowCustom: true };

describe("a model with losses and metrics of the user's own", () => {
  it("keeps them by name, beside what can be stored", () => {
    const loss = scaledError;
    const model = defineModel(compiled([dense()], { loss, metrics: ["mae", wholeError] }), allow);
    expect(model.definition.training).toMatchObject({
      loss: "custom:scaledError",
      metrics: ["mae", "custom:wholeError"],
    });
    expect(model.custom).toEqual({
      losses: { "custom:scaledError": loss },
      metrics: { "custom:wholeError": wholeError },
    });
    expect(model.requiresCompiled).toBe('its loss "scaledError" is a function of the user\'s own');
  });

  it("tells functions of one name apart, and names those without", () => {
    const anonymous = [0, 1].map((shift) => (y: tf.Tensor, p: tf.Tensor) => tf.add(wholeError(y, p), shift));
    const { definition, custom } = defineModel(compiled([dense()], { metrics: [...anonymous, ...anonymous] }), allow);
    const names = ["custom:metric", "custom:metric_1", "custom:metric", "custom:metric_1"];
    expect(definition.training.metrics).toEqual(names);
    expect(Object.values(custom?.metrics ?? {})).toEqual(anonymous);
  });

  it("says nothing of a model without any", () => {
    const model = defineModel(compiled([dense()]), allow);
    expect(Object.keys(model)).toEqual(["definition", "weights"]);
  });

  it("is refused without leave", () => {
    expect(() => defineModel(compiled([dense()], { loss: scaledError }))).toThrow("the function scaledError");
  });

  it("trains and evaluates on the compiled engine as tfjs' own does", async () => {
    const named = { loss: "meanSquaredError", metrics: ["mae"] };
    const own = { loss: scaledError, metrics: [wholeError] };
    const start = defineModel(compiled([dense()], named)).weights;
    const results = [];
    for (const [scale, compile] of [
      [1, named],
      [3, own],
    ] as const) {
      // Three times the loss with a third of the rate makes the same steps.
      const optimizer = tf.train.sgd(0.3 / scale);
      const { definition, custom } = defineModel(compiled([dense()], { ...compile, optimizer }), allow);
      const compiler = await createGraphCompiler(definition, custom);
      const session = await (await createEngine("compiled")).open(definition, compiler);
      results.push(
        await using(session, async () => {
          await session.load(start);
          const { batches } = await session.train(wholeEpoch(data, 8));
          const states = await session.evaluate({ data, batchSize: 8, fromRow: 0, toRow: 20 });
          const all = [...batches, states].map((each) => Object.values(each).map(({ sums }) => sums));
          return {
            labels: Object.keys(states),
            values: all.map((each) => each.map(([sum = 0], index) => (index === 0 ? sum / scale : sum))),
          };
        }),
      );
      compiler.dispose();
    }
    const [builtin, custom] = results;
    expect(builtin?.labels).toEqual(["loss", "mae"]);
    expect(custom?.labels).toEqual(["loss", "wholeError"]);
    for (const [index, values] of (builtin?.values ?? []).entries()) {
      for (const [at, value] of values.entries()) expect(custom?.values[index]?.[at]).toBeCloseTo(value, 4);
    }
  });

  it("is refused by tfjs engines, and by a compiler without the functions", async () => {
    const { definition, custom } = defineModel(compiled([dense()], { loss: scaledError }), allow);
    const opening = (await createEngine("tfjs-cpu")).open(definition);
    await expect(opening).rejects.toMatchObject({ code: "model.unsupported" });
    await expect(opening).rejects.toThrow('the loss "custom:scaledError", a function of the user\'s own');
    const without = await createGraphCompiler(definition);
    expect(() => without.compile({ kind: "train", batchSize: 4, fields })).toThrow("custom:scaledError");
    // To predict, nobody needs the loss.
    expect(without.compile({ kind: "predict", fields: fields.slice(0, 1) }).manifest.kind).toBe("predict");
    without.dispose();
    const metrics = { losses: {}, metrics: custom?.losses ?? {} };
    const wrong = await createGraphCompiler(definition, metrics);
    expect(() => wrong.compile({ kind: "evaluate", fields })).toThrow("custom:scaledError");
    wrong.dispose();
  });

  it("is saved without what stock tfjs cannot load, and read again", async () => {
    const model = defineModel(compiled([dense()], { loss: scaledError }), allow);
    const files = modelFiles(model.definition, model.weights);
    const json = JSON.parse(new TextDecoder().decode(files["model.json"])) as Record<string, unknown>;
    expect(json["trainingConfig"]).toBeUndefined();
    const read = await readModelFiles(async (name) => files[name] ?? new Uint8Array());
    expect(read.definition).toEqual(model.definition);
  });
});

describe("a model with layers of the user's own", () => {
  const model = (): tfl.Sequential => compiled([dense(), new Doubling({ name: "twice" })]);

  it("runs on the compiled engine in this process, and says that it must", async () => {
    const { definition, weights, requiresCompiled } = defineModel(model(), allow);
    expect(requiresCompiled).toBe('its class "Doubling" (at layer "twice") is of the user\'s own');
    const session = await (await createEngine("compiled")).open(definition);
    await using(session, async () => {
      await session.load(weights);
      const [found] = await session.predict({ data, batchSize: 20, fromRow: 0, toRow: 20 });
      const plain = compiled([dense()]);
      plain.setWeights([...weights.values()].map(({ data: values, shape }) => tf.tensor(values, [...shape])));
      const pixels = tf.div(tf.tensor([...(data.fields[0]?.tensor.data ?? [])], [20, 6]), 255);
      const expected = tf.mul(plain.predict(pixels) as tf.Tensor, 2).dataSync();
      for (const [index, value] of expected.entries()) expect(found?.data[index]).toBeCloseTo(value, 5);
    });
  });

  it("is refused without leave, and where the class is not registered", async () => {
    expect(() => defineModel(model())).toThrow('the class "Doubling" (at layer "twice")');
    const { definition } = defineModel(model(), allow);
    const text = JSON.stringify(definition).replaceAll("Doubling", "Tripling");
    const compiling = createGraphCompiler(JSON.parse(text) as typeof definition);
    await expect(compiling).rejects.toMatchObject({ code: "model.unsupported" });
    await expect(compiling).rejects.toThrow("Tripling");
    await expect(compiling).rejects.toThrow("registerClass");
  });
});
