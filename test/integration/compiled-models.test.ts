import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { evaluate, listJobs, localCluster, predict, ServerlessModel } from "@stampede/client";
import type { GradientSettings, NumericArray } from "@stampede/core";
import { memorySource } from "@stampede/data";
import * as tf from "@tensorflow/tfjs-core";
import { layers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";
import { describe, expect, it } from "vitest";
import { clusterForEach, graphNames, lastSpec, linearModel, onlyTensor, valuesOf } from "../support/client-jobs.js";
import { Doubling, scaledError, wholeError } from "../support/custom-parts.js";
import { linearRows } from "../support/linear-rows.js";

const made = clusterForEach();

function customModel(loss: (labels: tf.Tensor, predictions: tf.Tensor) => tf.Tensor = scaledError): LayersModel {
  const model = sequential({
    name: "custom",
    layers: [layers.dense({ name: "hidden", units: 4, inputShape: [2] }), new Doubling({ name: "twice" })],
  });
  model.add(layers.dense({ name: "out", units: 1 }));
  model.compile({ optimizer: "sgd", loss, metrics: ["mae", wholeError] });
  return model;
}

describe("what happens to gradients", () => {
  const fitted = async (gradients?: GradientSettings): Promise<NumericArray[]> => {
    const model = linearModel();
    model.setWeights(model.getWeights().map((weight) => tf.fill(weight.shape, 0.3)));
    model.compile({ optimizer: tf.train.sgd(0.1), loss: "meanSquaredError" });
    const distributed = new ServerlessModel(model, {
      cluster: made.cluster,
      executors: 2,
      ...(gradients && { gradients }),
    });
    await distributed.fit(linearRows(20, 1), { epochs: 2, batchSize: 4 });
    return valuesOf(model);
  };

  it("travels with the model and changes how it trains", async () => {
    const plain = await fitted();
    expect((await lastSpec(made.cluster)).model.training.gradients).toBeUndefined();
    for (const gradients of [{ clipValue: 0.01 }, { clipNorm: 0.01 }, { globalClipNorm: 0.01 }, { proximal: 10 }]) {
      expect(await fitted(gradients)).not.toEqual(plain);
      const spec = await lastSpec(made.cluster);
      expect(spec.model.training.gradients).toEqual(gradients);
      expect(spec.training.gradients).toBeUndefined();
    }
  });

  it("is refused where it makes no sense", async () => {
    for (const gradients of [{ clipValue: 0 }, { clipNorms: 1 }]) {
      const distributed = new ServerlessModel(linearModel(), { cluster: made.cluster });
      const refused = distributed.fit(linearRows(9, 1), { gradients });
      await expect(refused).rejects.toMatchObject({
        code: "option.invalid",
        message: expect.stringContaining("gradients"),
      });
    }
  });
});

it("refuses a job that cannot fit into the memory of an executor, with the figures", async () => {
  const small = localCluster({ home: join(made.home, "store"), threads: 1, memoryLimitMb: 16 });
  const model = sequential({
    layers: [layers.dense({ units: 1_000_000, inputShape: [2] }), layers.dense({ units: 1 })],
  });
  model.compile({ optimizer: "adam", loss: "meanSquaredError" });
  const distributed = new ServerlessModel(model, { cluster: small, executors: 1 });
  await expect(distributed.fit(linearRows(9, 1), { batchSize: 8 })).rejects.toMatchObject({
    code: "model.too-large",
    isInputError: true,
    // 4 million weights: 16 MB, of which there are 4 copies with two slots of Adam each, and once their gradients.
    message: expect.stringMatching(
      /fit into the 16\.0 MiB of one executor; found .* at least 259\.\d MiB \(weights, optimizer and gradients 198\.\d MiB, partitions 0\.0 MiB, a batch of 8 rows 61\.\d MiB\)/,
    ),
  });
  expect(await listJobs(small)).toEqual([]);
  await small.close();
});

describe("a model with parts of the user's own", () => {
  it("trains, evaluates and predicts, here and from the folder it was saved in", async () => {
    const model = customModel();
    const distributed = new ServerlessModel(model, { cluster: made.cluster, executors: 2 });
    const rows = linearRows(40, 2);
    const history = await distributed.fit(rows, { epochs: 5, batchSize: 8, validationSplit: 0.1 });
    expect(history.at(-1)?.metrics["loss"]).toBeLessThan(history[0]?.metrics["loss"] ?? 0);
    expect(Object.keys(history[0]?.metrics ?? {})).toEqual(["loss", "mae", "wholeError"]);
    expect(graphNames(await lastSpec(made.cluster))).toEqual(["train-8", "train-2", "evaluate", "predict"]);
    const evaluated = await distributed.evaluate(rows);
    const [x] = [onlyTensor(rows.features)];
    const local = [model.predict(tf.tensor2d(Float32Array.from(x.data), [40, 2]))].flat()[0]?.dataSync() ?? [];
    const [predicted] = await distributed.predict(memorySource({ x: [x] }));
    for (const [at, value] of (predicted?.dataSync() ?? []).entries()) expect(value).toBeCloseTo(local[at] ?? 0, 5);
    await distributed.save(join(made.home, "model"));
    expect((await readdir(join(made.home, "model/graphs"))).toSorted()).toEqual(["evaluate.onnx", "predict.onnx"]);
    const saved = JSON.parse(await readFile(join(made.home, "model/model.json"), "utf8")) as object;
    expect(JSON.stringify(saved)).toContain('"Doubling"');
    const request = { modelFolder: join(made.home, "model"), baseFolder: made.home, cluster: made.cluster };
    const csv = Array.from(
      { length: 40 },
      (_, row) => `${x.data[2 * row]},${x.data[2 * row + 1]},${onlyTensor(rows.labels).data[row]}`,
    );
    await writeFile(join(made.home, "rows.csv"), `a,b,y\n${csv.join("\n")}\n`);
    const data = { format: "csv", file: "rows.csv", features: { columns: ["a", "b"] }, labels: { column: "y" } };
    const { metrics } = await evaluate({ ...request, data });
    for (const [name, value] of Object.entries(evaluated)) expect(metrics[name]).toBeCloseTo(value, 5);
    await predict({ ...request, data, out: join(made.home, "out.csv") });
    const lines = (await readFile(join(made.home, "out.csv"), "utf8")).trim().split("\n").slice(1);
    expect(lines.map((line) => Number(line.split(",")[1]))).toEqual(Array.from(predicted?.dataSync() ?? []));
  });

  it("that reads values while it is traced is refused by name, with both reasons", async () => {
    const peeking = (labels: tf.Tensor, predictions: tf.Tensor): tf.Tensor =>
      tf.mul(scaledError(labels, predictions), Number(predictions.dataSync()[0]));
    for (const engine of ["compiled", undefined] as const) {
      const distributed = new ServerlessModel(customModel(peeking), {
        cluster: made.cluster,
        executors: 2,
        ...(engine && { engine }),
      });
      const refused = distributed.fit(linearRows(9, 1), { epochs: 1 });
      await expect(refused).rejects.toMatchObject({ code: "model.not-traceable", isInputError: true });
      const { message } = await refused.then(
        () => new Error("it was not refused"),
        (error: Error) => error,
      );
      expect(message).toMatch(/dataSync|reads? values/);
      expect(message.includes("No tfjs engine can run it either")).toBe(engine === undefined);
    }
    expect(await listJobs(made.cluster)).toEqual([]);
  });
});
