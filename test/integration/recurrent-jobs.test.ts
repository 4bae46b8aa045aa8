import { ServerlessModel } from "@stampede/client";
import { train } from "@tensorflow/tfjs-core";
import { initializers, layers, sequential } from "@tensorflow/tfjs-layers";
import { expect, it } from "vitest";
import { clusterForEach, graphNames, lastSpec } from "../support/client-jobs.js";

const made = clusterForEach();

it("trains a recurrent net on several executors in the compiled engine, until it tells digits apart row by row", async () => {
  const recurrentInitializer = initializers.glorotUniform({ seed: 4 });
  const model = sequential({
    layers: [
      layers.reshape({ targetShape: [8, 8], inputShape: [64] }),
      layers.bidirectional({ layer: layers.gru({ units: 16, recurrentInitializer }), mergeMode: "concat" }),
      layers.dense({ units: 10, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer: train.adam(0.01), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
  const digits = { format: "builtin", name: "digits", features: { scale: 16 }, labels: { oneHot: 10 } } as const;
  const distributed = new ServerlessModel(model, { cluster: made.cluster, executors: 2 });
  const history = await distributed.fit(digits, { epochs: 8, batchSize: 16, validationSplit: 0.1 });
  const spec = await lastSpec(made.cluster);
  expect(spec.engine).toBe("compiled");
  expect(graphNames(spec)).toContain("train-16");
  expect(history.at(-1)?.validation?.["accuracy"]).toBeGreaterThan(0.85);
});
