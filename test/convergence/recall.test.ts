import { randomUint32, tensorOf } from "@stampede/core";
import { memorySource, type MemoryDataset } from "@stampede/data";
import * as tf from "@tensorflow/tfjs-core";
import { layers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";
import { expect, it } from "vitest";
import { clusterForAll, figure, report, trained } from "./trainings.js";

const made = clusterForAll();
const symbols = 4;
const noiseSteps = 35;
const units = 20;

/** The symbol to remember, and then noise of four other symbols; `shown: false` leaves the first step out. */
function sequences(rows: number, key: number, shown: boolean): MemoryDataset {
  const steps = noiseSteps + 1;
  const from = shown ? 0 : 1;
  const symbol = (row: number, step: number): number =>
    (randomUint32(key, row * steps + step) % symbols) + (step === 0 ? 0 : symbols);
  const width = steps - from;
  const x = Uint8Array.from({ length: rows * width }, (_, at) => symbol(Math.floor(at / width), from + (at % width)));
  const y = Uint8Array.from({ length: rows }, (_, row) => symbol(row, 0));
  return memorySource({
    x: tensorOf(x, [rows, width]),
    y: tensorOf(y, [rows]),
    xOptions: { oneHot: symbols * 2 },
    yOptions: { oneHot: symbols },
  });
}

function recurrent(steps: number): LayersModel {
  const lstm = layers.lstm({ units, recurrentActivation: "sigmoid", inputShape: [steps, symbols * 2] });
  const model = sequential({ layers: [lstm, layers.dense({ units: symbols, activation: "softmax" })] });
  // Forget gates that begin open, as is usual for long sequences: https://proceedings.mlr.press/v37/jozefowicz15.pdf
  const [kernel, recurrentKernel, bias] = lstm.getWeights();
  const biases = bias?.dataSync<"float32">().fill(3, units, 2 * units);
  if (kernel === undefined || recurrentKernel === undefined || biases === undefined) throw new Error("no weights");
  lstm.setWeights([kernel, recurrentKernel, tf.tensor(biases)]);
  model.compile({ optimizer: tf.train.adam(0.005), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  return model;
}

async function accuracy(shown: boolean): Promise<number> {
  const { distributed } = await trained({
    cluster: made.cluster,
    build: () => recurrent(shown ? noiseSteps + 1 : noiseSteps),
    data: sequences(2000, 1, shown),
    executors: 2,
    epochs: 10,
    batchSize: 32,
  });
  const metrics = await distributed.evaluate(sequences(1000, 2, shown));
  report(`recall of the first symbol, ${shown ? "shown" : "not shown"}`, metrics);
  return figure(metrics, "accuracy");
}

it("an LSTM remembers a symbol through 35 steps of noise: accuracy at least 0.95", async () => {
  expect(await accuracy(true)).toBeGreaterThanOrEqual(0.95);
});

// A quarter is chance; five standard deviations of it in 1,000 rows are 0.068.
it("and knows nothing of a symbol that it was not shown: accuracy at most 0.32", async () => {
  expect(await accuracy(false)).toBeLessThanOrEqual(0.32);
});
