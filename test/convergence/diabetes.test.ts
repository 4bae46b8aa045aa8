import { join } from "node:path";
import type { DatasetInput } from "@stampede/client";
import * as tf from "@tensorflow/tfjs-core";
import { layers, metrics as functions, regularizers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";
import { expect, it } from "vitest";
import { clusterForAll, figure, report, trained } from "./trainings.js";

const made = clusterForAll();

/** 442 patients; see diabetes-license.md beside it. */
const patients: DatasetInput = {
  format: "csv",
  file: join(import.meta.dirname, "../fixtures/data/diabetes.csv"),
  features: { columns: ["age..s6"], categories: ["sex"], standardize: true },
  labels: { column: "progression", standardize: true },
};

function regression(): LayersModel {
  const model = sequential({
    layers: [
      layers.dense({
        units: 16,
        activation: "relu",
        inputShape: [11],
        kernelRegularizer: regularizers.l2({ l2: 0.01 }),
      }),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 1, kernelRegularizer: regularizers.l2({ l2: 0.01 }) }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.003), loss: "meanSquaredError", metrics: ["mae", functions.r2Score] });
  return model;
}

it("a regression on the diabetes data: R2 at least 0.40 on a fifth that was held out", async () => {
  const { validation } = await trained({
    cluster: made.cluster,
    build: regression,
    data: patients,
    executors: 2,
    epochs: 60,
    batchSize: 16,
    validationSplit: 0.2,
  });
  report("diabetes, a fifth held out", validation);
  expect(figure(validation, "r2Score")).toBeGreaterThanOrEqual(0.4);
});
