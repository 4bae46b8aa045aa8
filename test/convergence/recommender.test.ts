import { randomUint32, tensorOf } from "@stampede/core";
import { memorySource, type MemoryDataset } from "@stampede/data";
import * as tf from "@tensorflow/tfjs-core";
import {
  input,
  layers,
  model as functional,
  regularizers,
  type LayersModel,
  type SymbolicTensor,
} from "@tensorflow/tfjs-layers";
import { expect, it } from "vitest";
import { clusterForAll, figure, normalStream, report, trained } from "./trainings.js";

const made = clusterForAll();
const users = 200;
const items = 120;
const factors = 3;
const noise = 0.3;

/** What each user thinks of each item: biases of both, how well their hidden factors agree, and noise. */
class World {
  readonly #normal = normalStream(1);
  readonly #users = this.#table(users, factors, 0.8);
  readonly #items = this.#table(items, factors, 0.8);
  readonly #userBias = this.#table(users, 1, 0.5);
  readonly #itemBias = this.#table(items, 1, 0.5);

  ratings(rows: number, key: number): MemoryDataset {
    const normal = normalStream(key);
    const user = Int32Array.from({ length: rows }, (_, row) => randomUint32(key, 2 * row) % users);
    const item = Int32Array.from({ length: rows }, (_, row) => randomUint32(key, 2 * row + 1) % items);
    const rating = Float32Array.from(user, (who, row) => this.#opinion(who, item[row] ?? 0) + noise * normal());
    return memorySource({
      x: [tensorOf(user, [rows, 1]), tensorOf(item, [rows, 1])],
      y: tensorOf(rating, [rows]),
    });
  }

  #opinion(user: number, item: number): number {
    const [a, b] = [this.#users[user] ?? [], this.#items[item] ?? []];
    const agreement = a.reduce((sum, value, factor) => sum + value * (b[factor] ?? 0), 0);
    return 3 + (this.#userBias[user]?.[0] ?? 0) + (this.#itemBias[item]?.[0] ?? 0) + agreement;
  }

  #table(rows: number, columns: number, deviation: number): readonly (readonly number[])[] {
    const row = (): number[] => Array.from({ length: columns }, () => deviation * this.#normal());
    return Array.from({ length: rows }, row);
  }
}

/** Two inputs: the numbers of a user and of an item. */
function recommender(withFactors: boolean): LayersModel {
  const [user, item] = [input({ shape: [1] }), input({ shape: [1] })];
  const embedded = (x: SymbolicTensor, inputDim: number, outputDim: number): SymbolicTensor => {
    const table = layers.embedding({ inputDim, outputDim, embeddingsRegularizer: regularizers.l2({ l2: 1e-5 }) });
    return layers.flatten().apply(table.apply(x)) as SymbolicTensor;
  };
  const parts = [embedded(user, users, 1), embedded(item, items, 1)];
  if (withFactors) {
    const both = [embedded(user, users, 4), embedded(item, items, 4)];
    parts.push(layers.dot({ axes: 1 }).apply(both) as SymbolicTensor);
  }
  const score = layers.dense({ units: 1 }).apply(layers.concatenate().apply(parts)) as SymbolicTensor;
  const model = functional({ inputs: [user, item], outputs: score });
  model.compile({ optimizer: tf.train.adam(0.01), loss: "meanSquaredError", metrics: ["mse"] });
  return model;
}

async function rootMeanSquare(withFactors: boolean): Promise<number> {
  const world = new World();
  const { distributed } = await trained({
    cluster: made.cluster,
    build: () => recommender(withFactors),
    data: world.ratings(12_000, 2),
    executors: 2,
    epochs: 20,
    batchSize: 64,
  });
  const metrics = await distributed.evaluate(world.ratings(3000, 3));
  const error = Math.sqrt(figure(metrics, "mse"));
  report(`ratings, ${withFactors ? "with" : "without"} factors`, { error });
  return error;
}

it("embeddings of users and items find hidden factors: half the error of biases alone, and near the noise", async () => {
  const [biases, factored] = [await rootMeanSquare(false), await rootMeanSquare(true)];
  expect(factored).toBeLessThanOrEqual(0.5 * biases);
  expect(factored).toBeLessThanOrEqual(1.5 * noise);
});
