// Trains, or opens and closes sessions, and tells what is left in memory. Run with --expose-gc.
import type { Engine } from "@stampede/core";
import { createEngine } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { sequentialCase, type Prepared } from "./case.js";
import { floats, oneHot } from "./data.js";
import { prepare, rowsInOrder } from "./prepare.js";

const options = {
  loss: "categoricalCrossentropy",
  metrics: "accuracy",
  batchSize: 16,
  extraRows: 5,
  optimizer: () => tf.train.adam(0.001),
};

const networks = {
  perceptron: sequentialCase(
    "perceptron with dropout",
    () => [
      layers.dense({ units: 64, activation: "relu", inputShape: [32] }),
      layers.dropout({ rate: 0.3 }),
      layers.dense({ units: 64, activation: "relu" }),
      layers.dropout({ rate: 0.3 }),
      layers.dense({ units: 10, activation: "softmax" }),
    ],
    [floats([32]), oneHot(10)],
    options,
  ),
  pictures: sequentialCase(
    "convolutions in blocks",
    () => [
      layers.conv2d({ filters: 16, kernelSize: 3, padding: "same", activation: "relu", inputShape: [8, 8, 3] }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 32, kernelSize: 3, padding: "same", strides: 2 }),
      layers.batchNormalization(),
      layers.globalAveragePooling2d({}),
      layers.dense({ units: 10, activation: "softmax" }),
    ],
    [floats([8, 8, 3]), oneHot(10)],
    options,
  ),
  sequences: sequentialCase(
    "recurrent layers",
    () => [
      layers.masking({ maskValue: 0, inputShape: [6, 8] }),
      layers.lstm({ units: 16, returnSequences: true }),
      layers.gru({ units: 16 }),
      layers.dense({ units: 10, activation: "softmax" }),
    ],
    [floats([6, 8]), oneHot(10)],
    options,
  ),
};

interface Memory {
  readonly rss: number;
  readonly arrayBuffers: number;
  readonly external: number;
  readonly heapUsed: number;
  readonly tensors: number;
}

async function measure(): Promise<Memory> {
  // Finalizers free what onnxruntime's binding holds, after the collection that finds it.
  for (let time = 0; time < 3; time += 1) {
    globalThis.gc?.();
    await new Promise(setImmediate);
  }
  const { rss, arrayBuffers, external, heapUsed } = process.memoryUsage();
  return { rss, arrayBuffers, external, heapUsed, tensors: tf.memory().numTensors };
}

/** 80 epochs first, so that caches are full. */
async function epochs(engine: Engine, prepared: Prepared): Promise<readonly Memory[]> {
  const { definition, weights, data, batchSize, batches } = prepared;
  const session = await engine.open(definition);
  await session.load(weights);
  const order = rowsInOrder(data);
  const train = async (count: number): Promise<Memory> => {
    for (let epoch = 0; epoch < count; epoch += 1) {
      await session.train({ data, order, batchSize, fromBatch: 0, toBatch: batches, randomKey: epoch });
      await session.evaluate({ data, batchSize: 50, fromRow: 0, toRow: data.rows });
    }
    return measure();
  };
  const measured = [await train(80), await train(400)];
  session.close();
  return measured;
}

async function sessions(
  engine: Engine,
  { definition, weights, data, batchSize, batches }: Prepared,
): Promise<readonly Memory[]> {
  const order = rowsInOrder(data);
  const open = async (count: number): Promise<Memory> => {
    for (let opened = 0; opened < count; opened += 1) {
      const session = await engine.open(definition);
      await session.load(weights);
      await session.train({ data, order, batchSize, fromBatch: 0, toBatch: batches, randomKey: opened });
      await session.evaluate({ data, batchSize: 50, fromRow: 0, toRow: data.rows });
      await session.predict({ data, batchSize: 50, fromRow: 0, toRow: data.rows });
      session.close();
    }
    return measure();
  };
  return [await open(10), await open(50)];
}

const [what = "", network = ""] = process.argv.slice(2);
const found = Object.entries(networks).find(([name]) => name === network);
if (found === undefined) throw new Error(`no network ${network}`);
await createEngine("tfjs-cpu");
const engine = await createEngine("compiled");
process.stdout.write(JSON.stringify(await (what === "sessions" ? sessions : epochs)(engine, prepare(found[1]))));
