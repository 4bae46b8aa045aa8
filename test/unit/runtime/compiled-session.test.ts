import {
  hashTensors,
  tensorOf,
  type Engine,
  type EngineSession,
  type GraphSource,
  type NamedTensors,
} from "@stampede/core";
import { createEngine, defineModel, withSeededRandom, type DefinedModel } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { describe, expect, it } from "vitest";
import {
  classRows,
  distance,
  fieldsOf,
  noisyClassifier,
  storedGraphs,
  using,
  wholeEpoch,
} from "../../support/compiled-models.js";
import { compiled, useCpu } from "./models.js";

useCpu();

const data = classRows(21);
const fields = fieldsOf(data);

async function open(model: DefinedModel, graphs?: GraphSource): Promise<EngineSession> {
  const session = await (await createEngine("compiled")).open(model.definition, graphs);
  await session.load(model.weights);
  return session;
}

interface State {
  readonly weights: NamedTensors;
  readonly optimizer: NamedTensors;
}

const bits = async (session: EngineSession): Promise<string> => {
  const { weights, optimizer } = await session.save();
  return `${hashTensors(weights)} ${hashTensors(optimizer)}`;
};

describe("states of the compiled engine and of tfjs", () => {
  const rate = 0.05;
  const optimizers: readonly (readonly [string, () => tf.Optimizer])[] = [
    ["SGD", () => tf.train.sgd(rate)],
    ["Momentum", () => tf.train.momentum(rate, 0.9, true)],
    ["Adam", () => tf.train.adam(rate)],
    ["Adamax", () => tf.train.adamax(rate, 0.9, 0.999, 1e-7, 0.05)],
    ["RMSProp", () => tf.train.rmsprop(rate, 0.9, 0.5)],
    ["centered RMSProp", () => tf.train.rmsprop(rate, 0.9, 0, 1e-7, true)],
    ["Adagrad", () => tf.train.adagrad(rate)],
    ["Adadelta", () => tf.train.adadelta(rate)],
  ];

  it.each(optimizers)("are interchangeable, there and back: %s", async (_name, optimizer) => {
    // Without dropout, whose numbers differ between the engines.
    const layers = [tfl.layers.dense({ units: 3, activation: "softmax", inputShape: [6], name: "classes" })];
    const compile = { optimizer: optimizer(), loss: "categoricalCrossentropy" };
    const model = defineModel(withSeededRandom(1, () => compiled(layers, compile)));
    const tfjs = await createEngine("tfjs-cpu");
    const request = wholeEpoch(data, 4);
    const engines = [tfjs, await createEngine("compiled"), tfjs];
    const alone = await using(await tfjs.open(model.definition), async (session) => {
      await session.load(model.weights);
      await session.train(request);
      return session.save();
    });
    const goOn = async (engine: Engine, before: State, fromBatch: number): Promise<State> =>
      using(await engine.open(model.definition), async (session) => {
        await session.load(before.weights, before.optimizer);
        await session.train({ ...request, fromBatch, toBatch: fromBatch + 2 });
        return session.save();
      });
    let state: State = { weights: model.weights, optimizer: new Map() };
    for (const [part, engine] of engines.entries()) state = await goOn(engine, state, part * 2);
    expect([...state.optimizer.keys()]).toEqual([...alone.optimizer.keys()]);
    expect(distance(alone.weights, state.weights)).toBeLessThan(1e-5);
    expect(distance(alone.optimizer, state.optimizer)).toBeLessThan(1e-5);
  });
});

describe("with stored graphs", () => {
  const model = (): DefinedModel => defineModel(noisyClassifier(tf.train.adam(0.01)));
  const requests = [
    { kind: "train", batchSize: 8, fields },
    { kind: "train", batchSize: 5, fields },
    { kind: "evaluate", fields },
    { kind: "predict", fields: fields.slice(0, 1) },
  ] as const;

  it("computes what it computes with a compiler of its own, to the bit", async () => {
    const defined = model();
    const run = async (session: EngineSession): Promise<unknown[]> => [
      await session.train(wholeEpoch(data, 8)),
      await session.evaluate({ data, batchSize: 8, fromRow: 0, toRow: 21 }),
      await session.predict({ data, batchSize: 8, fromRow: 0, toRow: 21 }),
      await bits(session),
    ];
    const stored = await using(await open(defined, await storedGraphs(defined.definition, requests)), run);
    expect(stored).toEqual(await using(await open(defined), run));
  });

  it("refuses weights of another model when it is to use them, and takes the right ones then", async () => {
    const defined = model();
    const others = new Map(defined.weights).set("hidden/bias", tensorOf(new Float32Array(9), [9]));
    await using(await open(defined, await storedGraphs(defined.definition, requests)), async (session) => {
      await session.load(others);
      const training = session.train(wholeEpoch(data, 8));
      await expect(training).rejects.toMatchObject({ code: "training.incompatible-delta" });
      await expect(training).rejects.toThrow('"hidden/bias" as float32 [8]');
      await session.load(defined.weights);
      await session.train(wholeEpoch(data, 8));
      // Now it knows what they must look like.
      await expect(session.load(others)).rejects.toMatchObject({ code: "training.incompatible-delta" });
      const { weights, optimizer } = await session.save();
      await expect(session.load(weights, new Map([...optimizer].slice(1)))).rejects.toThrow("optimizer/accBeta1");
      await session.load(weights, optimizer);
    });
  });

  it("refuses an optimizer's state of other weights before it has seen a graph", async () => {
    const defined = model();
    const { optimizer } = await using(await open(defined), async (session) => {
      await session.train(wholeEpoch(data, 8));
      return session.save();
    });
    await using(await open(defined, await storedGraphs(defined.definition, requests)), async (session) => {
      const cases = [
        new Map([...optimizer].filter(([name]) => name !== "optimizer/accBeta2")),
        new Map(optimizer).set("optimizer/other/hidden/bias", tensorOf(new Float32Array(8), [8])),
        new Map(optimizer).set("optimizer/accumulatedFirstMoment/hidden/bias", tensorOf(new Float32Array(7), [7])),
      ];
      for (const state of cases) {
        await expect(session.load(defined.weights, state)).rejects.toMatchObject({
          code: "training.incompatible-delta",
        });
      }
      await session.load(defined.weights, optimizer);
    });
  });

  it("says what went wrong with a graph that it cannot get, and asks again the next time", async () => {
    const defined = model();
    const graphs = await storedGraphs(defined.definition, requests);
    const bytes = graphs.bytes.get("train-5");
    graphs.bytes.delete("train-5");
    await using(await open(defined, graphs), async (session) => {
      const before = await bits(session);
      const training = session.train(wholeEpoch(data, 8));
      await expect(training).rejects.toMatchObject({ code: "engine.failed" });
      await expect(training).rejects.toThrow("no graph train-5 is stored");
      // The two full batches that it had trained already are taken back.
      expect(await bits(session)).toBe(before);
      if (bytes !== undefined) graphs.bytes.set("train-5", bytes);
      await session.train(wholeEpoch(data, 8));
      expect(await bits(session)).not.toBe(before);
    });
  });

  it("refuses damaged, foreign and misplaced graphs", async () => {
    const defined = model();
    const graphs = await storedGraphs(defined.definition, requests);
    const good = graphs.bytes.get("train-8") ?? new Uint8Array();
    const floats = fields.map((field) => ({ ...field, storage: "float32" as const }));
    const other = await storedGraphs(defined.definition, [{ kind: "train", batchSize: 8, fields: floats }]);
    const cases: readonly (readonly [Uint8Array, string])[] = [
      [good.subarray(0, good.length - 100), "in the graph train-8"],
      [new TextEncoder().encode("no graph"), "in the graph train-8"],
      [graphs.bytes.get("evaluate") ?? good, "found one to evaluate"],
      [graphs.bytes.get("train-5") ?? good, "found one to train for batches of 5"],
      [other.bytes.get("train-8") ?? good, "one for data of other fields"],
      [withoutNodes(good), "onnxruntime refuses"],
    ];
    for (const [bytes, text] of cases) {
      graphs.bytes.set("train-8", bytes);
      await using(await open(defined, graphs), async (session) => {
        const training = session.train(wholeEpoch(data, 8));
        await expect(training).rejects.toMatchObject({ code: "graph.invalid" });
        await expect(training).rejects.toThrow(text);
      });
    }
  });
});

describe("a failure", () => {
  const model = (): DefinedModel => defineModel(noisyClassifier(tf.train.sgd(0.1)));

  it("in a batch leaves weights as they were before the call, and says which batch", async () => {
    const layers = [tfl.layers.dense({ units: 3, inputShape: [6] })];
    const explosive = withSeededRandom(1, () => compiled(layers, { optimizer: tf.train.sgd(1e30) }));
    await using(await open(defineModel(explosive)), async (session) => {
      const before = await bits(session);
      const training = session.train(wholeEpoch(data, 4));
      await expect(training).rejects.toMatchObject({ code: "training.non-finite", details: { metric: "loss" } });
      await expect(training).rejects.toThrow("in batch 1. What was trained in this call is lost");
      expect(await bits(session)).toBe(before);
    });
  });

  it("of a node names the layer that it comes from", async () => {
    const words = tfl.sequential({
      layers: [
        tfl.layers.embedding({ inputDim: 4, outputDim: 2, inputLength: 6, name: "words" }),
        tfl.layers.flatten(),
        tfl.layers.dense({ units: 3, activation: "softmax" }),
      ],
    });
    words.compile({ optimizer: tf.train.sgd(0.1), loss: "categoricalCrossentropy" });
    const [column] = classRows(21).fields;
    // Numbers of words as they are, of which most are not in the vocabulary.
    const plain = { kind: "affine" as const, subtract: [0], divide: [1] };
    const unknown = column && { ...column, field: { ...column.field, encoding: plain } };
    const rows = { rows: 21, fields: [...(unknown ? [unknown] : []), ...data.fields.slice(1)] };
    await using(await open(defineModel(words)), async (session) => {
      const training = session.train(wholeEpoch(rows, 4));
      await expect(training).rejects.toMatchObject({ code: "engine.failed" });
      await expect(training).rejects.toThrow("words/");
    });
  });

  it("to find a class says where, before anything is computed", async () => {
    const wrong = classRows(21);
    wrong.fields[1]?.tensor.data.fill(7, 13, 14);
    await using(await open(model()), async (session) => {
      const error = { code: "data.label-out-of-range", details: { field: "y", row: 13 } };
      await expect(session.train(wholeEpoch(wrong, 4))).rejects.toMatchObject(error);
      const range = { data: wrong, batchSize: 4, fromRow: 0, toRow: 21 };
      await expect(session.evaluate(range)).rejects.toMatchObject(error);
      await expect(session.predict(range)).resolves.toHaveLength(1);
    });
  });

  it("to find a row names it", async () => {
    await using(await open(model()), async (session) => {
      for (const row of [21, 2 ** 32 - 1]) {
        const training = session.train(wholeEpoch(data, 4, { order: Uint32Array.of(0, 1, 2, row) }));
        await expect(training).rejects.toMatchObject({ code: "engine.failed" });
        await expect(training).rejects.toThrow(`expected rows 0 ... 20 of the partition, found row ${row}`);
      }
    });
  });
});

describe("requests", () => {
  it("that overlap wait for one another", async () => {
    const model = defineModel(noisyClassifier(tf.train.adam(0.01)));
    const request = wholeEpoch(data, 4);
    const inTurn = await using(await open(model), async (session) => {
      await session.train({ ...request, toBatch: 3 });
      await session.train({ ...request, fromBatch: 3 });
      return bits(session);
    });
    await using(await open(model), async (session) => {
      const [, , atOnce] = await Promise.all([
        session.train({ ...request, toBatch: 3 }),
        session.train({ ...request, fromBatch: 3 }),
        bits(session),
      ]);
      expect(atOnce).toBe(inTurn);
    });
  });

  it("that are under way when the session is closed fail by name", async () => {
    const session = await open(defineModel(noisyClassifier(tf.train.sgd(0.1))));
    const training = session.train(wholeEpoch(data, 4));
    const later = session.save();
    session.close();
    await expect(training).rejects.toMatchObject({ code: "engine.failed" });
    await expect(later).rejects.toThrow("it is closed");
  });

  it("may have data in memory that threads share", async () => {
    const model = defineModel(noisyClassifier(tf.train.sgd(0.1)));
    const request = wholeEpoch(data, 4);
    const [x, y] = data.fields;
    const pixels = new Uint8Array(new SharedArrayBuffer(21 * 6));
    pixels.set(x?.tensor.data ?? []);
    const order = new Uint32Array(new SharedArrayBuffer(21 * 4));
    order.set(request.order);
    const column = x && { field: x.field, tensor: tensorOf(pixels, [21, 6]) };
    const rows = { rows: 21, fields: [...(column ? [column] : []), ...(y ? [y] : [])] };
    const plain = await using(await open(model), async (session) => [
      await session.train(request),
      await bits(session),
    ]);
    await using(await open(model), async (session) => {
      expect([await session.train({ ...request, data: rows, order }), await bits(session)]).toEqual(plain);
    });
  });
});

/** The graph's manifest without the graph: field 7 of the model, which holds it, becomes an unknown one. */
function withoutNodes(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const graphField = 7 * 8 + 2;
  const unknownField = 15 * 8 + 2;
  const at = copy.indexOf(graphField);
  copy[at] = unknownField;
  return copy;
}
