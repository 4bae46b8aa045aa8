import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localCluster, listJobs, ServerlessModel, type LocalCluster } from "@stampede/client";
import type { NumericArray, Tensor } from "@stampede/core";
import { loadManifest, loadPartition, memorySource, type MemoryDataset } from "@stampede/data";
import { readSpec } from "@stampede/training";
import { tensor2d, train } from "@tensorflow/tfjs-core";
import { layers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { linearRows } from "../support/linear-rows.js";

let home = "";
let cluster: LocalCluster;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "stampede-client-"));
  cluster = localCluster({ home: join(home, "store"), threads: 2 });
});
afterEach(async () => {
  await cluster.close();
  await rm(home, { recursive: true, force: true });
});

function linearModel(): LayersModel {
  const model = sequential({
    name: "linear",
    layers: [
      layers.dense({ name: "hidden", units: 4, activation: "tanh", inputShape: [2] }),
      layers.dense({ name: "out", units: 1 }),
    ],
  });
  model.compile({ optimizer: train.adam(0.01), loss: "meanSquaredError", metrics: ["mae"] });
  return model;
}

function onlyTensor(tensors: MemoryDataset["labels"]): Tensor {
  const list = tensors === undefined ? [] : "dtype" in tensors ? [tensors] : tensors;
  if (list[0] === undefined) throw new Error("no tensor");
  return list[0];
}

const valuesOf = (model: LayersModel): NumericArray[] => model.getWeights().map((weight) => weight.dataSync());

describe("ServerlessModel", () => {
  it("with one executor equals a plain fit on the same batches, bit for bit", async () => {
    const plain = linearModel();
    const model = linearModel();
    model.setWeights(plain.getWeights());
    const distributed = new ServerlessModel(model, { cluster, executors: 1, engine: "tfjs-cpu", shuffle: false });
    await distributed.fit(linearRows(45, 3), { epochs: 3, batchSize: 8 });

    const store = await cluster.open();
    const [job] = await listJobs(cluster);
    if (job === undefined) throw new Error("no job");
    const spec = await readSpec(store, job.job);
    const data = await loadPartition(store, await loadManifest(store, spec.dataset), 0);
    const [x, y] = data.fields.map(({ tensor }) => Float32Array.from(tensor.data));
    await plain.fit(tensor2d(x ?? [], [45, 2]), tensor2d(y ?? [], [45, 1]), {
      epochs: 3,
      batchSize: 8,
      shuffle: false,
    });
    expect(valuesOf(model)).toEqual(valuesOf(plain));
  });

  it("answers a history for every round and executor, with validation", async () => {
    const distributed = new ServerlessModel(linearModel(), { cluster, executors: 2, engine: "tfjs-cpu", seed: 3 });
    const history = await distributed.fit(linearRows(50, 1), { epochs: 3, batchSize: 8, validationSplit: 0.2 });
    expect(history.map(({ round, examples }) => [round, examples])).toEqual([
      [1, 40],
      [2, 40],
      [3, 40],
    ]);
    for (const { metrics, validation, executors } of history) {
      expect(Object.keys(metrics)).toEqual(["loss", "mae"]);
      expect(Object.keys(validation ?? {})).toEqual(["loss", "mae"]);
      expect(executors.map(({ partition }) => partition)).toEqual([0, 1]);
      const mean = executors.reduce((sum, { examples, metrics: own }) => sum + examples * (own["loss"] ?? 0), 0) / 40;
      expect(metrics["loss"]).toBeCloseTo(mean, 6);
    }
  });

  it("fits again from the weights it has, evaluates and predicts like the plain model", async () => {
    const model = linearModel();
    const distributed = new ServerlessModel(model, { cluster, executors: 3, engine: "tfjs-cpu" });
    const rows = linearRows(61, 5);
    const [first] = await distributed.fit(rows, { epochs: 1, batchSize: 8 });
    const later = await distributed.fit(rows, { epochs: 4, batchSize: 8 });
    expect(later.at(-1)?.metrics["loss"]).toBeLessThan(first?.metrics["loss"] ?? 0);

    const [x, y] = [onlyTensor(rows.features), onlyTensor(rows.labels)];
    const xs = tensor2d(Float32Array.from(x.data), [61, 2]);
    const [loss, mae] = [model.evaluate(xs, tensor2d(Float32Array.from(y.data), [61, 1]), { batchSize: 61 })].flat();
    const evaluated = await distributed.evaluate(rows);
    expect(evaluated["loss"]).toBeCloseTo(loss?.dataSync()[0] ?? 0, 5);
    expect(evaluated["mae"]).toBeCloseTo(mae?.dataSync()[0] ?? 0, 5);

    const [predicted] = await distributed.predict(memorySource({ x: [x] }));
    const local = [model.predict(xs)].flat()[0];
    expect(predicted?.shape).toEqual([61, 1]);
    expect(Array.from(predicted?.dataSync() ?? [])).toEqual(Array.from(local?.dataSync() ?? []));
  });

  it("saves a folder that loads again with its preprocessing, and overwrites nothing unasked", async () => {
    const distributed = new ServerlessModel(linearModel(), { cluster, executors: 2, engine: "tfjs-cpu" });
    await expect(distributed.save(join(home, "early"))).rejects.toMatchObject({ code: "model.invalid" });
    const rows = memorySource({
      x: [
        [10, 200],
        [20, 100],
        [30, 300],
        [40, 0],
      ],
      y: [1, 2, 3, 4],
      xOptions: { standardize: true },
    });
    await distributed.fit(rows, { epochs: 2, batchSize: 2 });
    const url = `file://${join(home, "model")}`;
    await distributed.save(url);
    expect((await readdir(join(home, "model"))).toSorted()).toEqual(["model.json", "stampede.json", "weights.bin"]);
    await expect(distributed.save(url)).rejects.toMatchObject({ code: "model.exists" });
    await distributed.save(url, { overwrite: true });
    expect((await readdir(home)).toSorted()).toEqual(["model", "store"]);

    const loaded = await ServerlessModel.load(url, { cluster, executors: 1, engine: "tfjs-cpu" });
    const raw = memorySource({ x: [[25, 150]] });
    const [before] = await distributed.predict(raw);
    const [after] = await loaded.predict(raw);
    expect(after?.dataSync()).toEqual(before?.dataSync());
    expect(loaded.fields).toEqual(distributed.fields);
  });

  it("refuses what does not fit before anything is started", async () => {
    const distributed = new ServerlessModel(linearModel(), { cluster, executors: 2 });
    const wide = memorySource({ x: [[1, 2, 3]], y: [1] });
    await expect(distributed.fit(wide)).rejects.toMatchObject({ code: "data.too-few-rows" });
    await expect(distributed.fit(wide, { executors: 1 })).rejects.toMatchObject({ code: "model.data-mismatch" });
    await expect(distributed.fit(linearRows(9, 1), { epochs: 0 })).rejects.toMatchObject({ code: "option.invalid" });
    expect(await listJobs(cluster)).toEqual([]);
  });
});
