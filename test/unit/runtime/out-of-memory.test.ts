import { createEngine, defineModel } from "@stampede/runtime";
import * as tfl from "@tensorflow/tfjs-layers";
import { expect, it } from "vitest";
import { classRows, using } from "../../support/compiled-models.js";
import { compiled, useCpu } from "./models.js";

useCpu();

const rows = 64;
const data = classRows(rows);

it("a graph that onnxruntime gets no memory for says so, and in which layer", async () => {
  // Between these layers lie 2^48 bytes, more than any process can address.
  const side = 2 ** 19;
  const layers = [
    tfl.layers.dense({ units: 4, inputShape: [6] }),
    tfl.layers.reshape({ targetShape: [1, 1, 4] }),
    tfl.layers.upSampling2d({ size: [side, side], name: "huge" }),
    tfl.layers.globalAveragePooling2d({}),
    tfl.layers.dense({ units: 3, activation: "softmax" }),
  ];
  const model = defineModel(compiled(layers, { loss: "categoricalCrossentropy" }));
  const session = await (await createEngine("compiled")).open(model.definition);
  await using(session, async () => {
    await session.load(model.weights);
    const predicting = session.predict({ data, batchSize: rows, fromRow: 0, toRow: rows });
    await expect(predicting).rejects.toMatchObject({
      code: "task.out-of-memory",
      retryable: true,
      message: expect.stringMatching(
        /^Expected memory to run the graph predict in huge\/\S+ .*, found none: .*Failed to allocate memory for requested buffer of size 281474976710656\. Nothing was changed; use more executors/,
      ),
    });
  });
});

it.each([
  ["of onnxruntime", new Error("Exception during initialization: std::bad_alloc"), true],
  ["of V8", new RangeError("Array buffer allocation failed"), true],
  ["of Node.js", new RangeError("Failed to allocate memory"), true],
  ["of WebAssembly", new RangeError("WebAssembly.Memory(): could not allocate memory"), true],
  ["of V8, of an array that is longer than any", new RangeError("Invalid typed array length: 9007199254740991"), true],
  ["of a view that its buffer is too short for", new RangeError("Invalid typed array length: 100"), false],
  ["of a wrong length", new RangeError("Invalid typed array length: -1"), false],
  ["of anything else", new TypeError("weights is not iterable"), false],
])("errors of an engine's memory are told from others: %s", async (_, error, isMemory) => {
  const model = defineModel(compiled([tfl.layers.dense({ units: 3, inputShape: [6] })]));
  const graphs = { load: (): Promise<Uint8Array> => Promise.reject(error) };
  const session = await (await createEngine("compiled")).open(model.definition, graphs);
  await using(session, async () => {
    await session.load(model.weights);
    await expect(session.evaluate({ data, batchSize: 8, fromRow: 0, toRow: 8 })).rejects.toMatchObject({
      code: isMemory ? "task.out-of-memory" : "engine.failed",
    });
  });
});
