// Trains, or opens and closes sessions, and tells what is left in memory. Run with --expose-gc.
import type { Engine } from "@stampede/core";
import { createEngine } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { sequentialCase, type Prepared } from "./case.js";
import { floats, oneHot } from "./data.js";
import { prepare, rowsInOrder } from "./prepare.js";

const network = sequentialCase(
  "perceptron with dropout",
  () => [
    layers.dense({ units: 64, activation: "relu", inputShape: [32] }),
    layers.dropout({ rate: 0.3 }),
    layers.dense({ units: 64, activation: "relu" }),
    layers.dropout({ rate: 0.3 }),
    layers.dense({ units: 10, activation: "softmax" }),
  ],
  [floats([32]), oneHot(10)],
  {
    loss: "categoricalCrossentropy",
    metrics: ["accuracy"],
    batchSize: 16,
    extraRows: 5,
    optimizer: () => tf.train.adam(0.001),
  },
);

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

await createEngine("tfjs-cpu");
const engine = await createEngine("compiled");
const prepared = prepare(network);
process.stdout.write(JSON.stringify(await (process.argv[2] === "sessions" ? sessions : epochs)(engine, prepared)));
