import { createEngine } from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { describe, expect, it } from "vitest";
import { distance } from "../support/compiled-models.js";
import { sequentialCase } from "./case.js";
import { floats, oneHot } from "./data.js";
import { blockedCases } from "./families/blocked.js";
import { prepare, rowsInOrder } from "./prepare.js";
import { testCases } from "./test-cases.js";

describe("with what this processor has", () => testCases(blockedCases));
describe("with what every processor has", () => testCases(blockedCases, { portable: true }));

/** Around 0, where a normalisation puts its numbers, rounding alone switches a relu now and then, in any two engines. */
const switching = sequentialCase(
  "relus over normalisations",
  () => [
    layers.conv2d({ filters: 16, kernelSize: 3, padding: "same", useBias: false, inputShape: [8, 16, 3] }),
    layers.batchNormalization(),
    layers.activation({ activation: "relu" }),
    layers.conv2d({ filters: 16, kernelSize: 3, padding: "same" }),
    layers.batchNormalization(),
    layers.activation({ activation: "relu" }),
    layers.globalAveragePooling2d({}),
    layers.dense({ units: 3, activation: "softmax" }),
  ],
  [floats([8, 16, 3]), oneHot(3)],
  { loss: "categoricalCrossentropy", batchSize: 4, optimizer: () => tf.train.sgd(0.05) },
);

it("relus over normalisations: the steps of most batches are those of the usual lowering", async () => {
  await createEngine("tfjs-cpu");
  const { definition, weights, data, batchSize, batches, randomKey } = prepare(switching);
  const order = rowsInOrder(data);
  const compute = { threads: 1, spinning: false } as const;
  const engines = [
    await createEngine("compiled", compute),
    await createEngine("compiled", { ...compute, portable: true }),
  ];
  const sessions = await Promise.all(engines.map((engine) => engine.open(definition)));
  const apart: number[] = [];
  for (let fromBatch = 0; fromBatch < batches; fromBatch += 1) {
    const steps = [];
    for (const session of sessions) {
      await session.load(weights);
      await session.train({ data, order, batchSize, fromBatch, toBatch: fromBatch + 1, randomKey });
      steps.push((await session.save()).weights);
    }
    const [found = weights, expected = weights] = steps;
    const trained = (all: typeof weights): typeof weights =>
      new Map([...all].filter(([name]) => !name.includes("moving")));
    apart.push(distance(found, expected) / distance(trained(weights), trained(expected)));
  }
  for (const session of sessions) session.close();
  const [median = Number.NaN] = apart.toSorted((a, b) => a - b).slice(batches / 2);
  expect(median).toBeLessThan(1e-5);
});
