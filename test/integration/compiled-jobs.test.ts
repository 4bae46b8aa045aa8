import { listJobs, ServerlessModel, showJob } from "@stampede/client";
import { keys, sha256Hex, type JobEvent } from "@stampede/core";
import { loadManifest, loadPartition, memorySource } from "@stampede/data";
import * as tf from "@tensorflow/tfjs-core";
import { layers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";
import { describe, expect, it } from "vitest";
import { clusterForEach, graphNames, lastSpec, linearModel, onlyTensor, valuesOf } from "../support/client-jobs.js";
import { linearRows } from "../support/linear-rows.js";

const made = clusterForEach();

describe("a job that nobody chose an engine for", () => {
  it("is compiled, with a graph for every size of batch, each stored as the spec claims it", async () => {
    const distributed = new ServerlessModel(linearModel(), { cluster: made.cluster, executors: 3 });
    // Partitions of 14, 13 and 13 rows.
    await distributed.fit(linearRows(50, 1), { epochs: 2, batchSize: 5, validationSplit: 0.2 });
    const spec = await lastSpec(made.cluster);
    expect(spec).toMatchObject({ engine: "compiled", compute: { threads: 1 } });
    expect(spec.engineReason).toBeUndefined();
    expect(graphNames(spec)).toEqual(["train-5", "train-4", "train-3", "evaluate"]);
    const store = await made.cluster.open();
    for (const { name, bytes, sha256 } of spec.graphs ?? []) {
      const object = await store.get(keys.graph(spec.job, name));
      expect([object?.body.length, sha256Hex(object?.body ?? new Uint8Array())]).toEqual([bytes, sha256]);
    }
  });

  it("needs no graph for whole batches that never occur", async () => {
    const distributed = new ServerlessModel(linearModel(), { cluster: made.cluster, executors: 2 });
    await distributed.fit(linearRows(9, 1), { epochs: 1, batchSize: 64 });
    expect(graphNames(await lastSpec(made.cluster))).toEqual(["train-5", "train-4"]);
  });

  it("with one executor moves the weights as a plain fit does, to 1e-5", async () => {
    const plain = linearModel();
    const model = linearModel();
    model.setWeights(plain.getWeights());
    const before = valuesOf(plain);
    const distributed = new ServerlessModel(model, { cluster: made.cluster, executors: 1, shuffle: false });
    const history = await distributed.fit(linearRows(45, 3), { epochs: 3, batchSize: 8 });
    const spec = await lastSpec(made.cluster);
    expect(spec.engine).toBe("compiled");
    const store = await made.cluster.open();
    const data = await loadPartition(store, await loadManifest(store, spec.dataset), 0);
    const [x, y] = data.fields.map(({ tensor }) => Float32Array.from(tensor.data));
    const { history: local } = await plain.fit(tf.tensor2d(x ?? [], [45, 2]), tf.tensor2d(y ?? [], [45, 1]), {
      epochs: 3,
      batchSize: 8,
      shuffle: false,
    });
    for (const [index, expected] of valuesOf(plain).entries()) {
      const start = before[index];
      const moved = Math.max(...Array.from(expected, (value, at) => Math.abs(value - (start?.[at] ?? 0))));
      const off = Math.max(
        ...Array.from(valuesOf(model)[index] ?? [], (value, at) => Math.abs(value - (expected[at] ?? 0))),
      );
      expect(moved).toBeGreaterThan(0);
      expect(off).toBeLessThanOrEqual(1e-5 * moved);
    }
    expect(history.at(-1)?.metrics["loss"]).toBeCloseTo(Number(local["loss"]?.at(-1)), 5);
  });

  it("evaluates and predicts like the model itself", async () => {
    const model = linearModel();
    const distributed = new ServerlessModel(model, { cluster: made.cluster, executors: 3 });
    const rows = linearRows(61, 5);
    const [x, y] = [onlyTensor(rows.features), onlyTensor(rows.labels)];
    const xs = tf.tensor2d(Float32Array.from(x.data), [61, 2]);
    const ys = tf.tensor2d(Float32Array.from(y.data), [61, 1]);
    const [loss, mae] = [model.evaluate(xs, ys, { batchSize: 61 })].flat().map((value) => value.dataSync()[0]);
    const evaluated = await distributed.evaluate(rows);
    expect(graphNames(await lastSpec(made.cluster))).toEqual(["evaluate"]);
    expect(evaluated["loss"]).toBeCloseTo(loss ?? 0, 5);
    expect(evaluated["mae"]).toBeCloseTo(mae ?? 0, 5);
    const [predicted] = await distributed.predict(memorySource({ x: [x] }));
    expect(graphNames(await lastSpec(made.cluster))).toEqual(["predict"]);
    const local = [model.predict(xs)].flat()[0]?.dataSync() ?? [];
    expect(predicted?.shape).toEqual([61, 1]);
    for (const [at, value] of (predicted?.dataSync() ?? []).entries()) expect(value).toBeCloseTo(local[at] ?? 0, 5);
  });

  it("evaluates validation data whose numbers are stored as another type", async () => {
    const distributed = new ServerlessModel(linearModel(), { cluster: made.cluster, executors: 2 });
    const pixels = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const stored = memorySource({ x: [{ dtype: "uint8", shape: [4, 2], data: pixels }], y: [1, 2, 3, 4] });
    const others = memorySource({
      x: [
        [0.5, 2],
        [3, 4.5],
      ],
      y: [1, 2],
    });
    const [round] = await distributed.fit(stored, { epochs: 1, batchSize: 2, validation: others });
    expect(round?.validation?.["loss"]).toBeGreaterThan(0);
    const spec = await lastSpec(made.cluster);
    const store = await made.cluster.open();
    const manifests = await Promise.all(
      [spec.dataset, spec.validation ?? spec.dataset].map((id) => loadManifest(store, id)),
    );
    expect(manifests.map(({ fields }) => fields[0]?.storage)).toEqual(["uint8", "float32"]);
    expect([spec.engine, graphNames(spec)]).toEqual(["compiled", ["train-2", "evaluate"]]);
  });
});

describe("a model that cannot be compiled", () => {
  function cropped(): LayersModel {
    const model = sequential({
      name: "cropped",
      layers: [
        layers.reshape({ targetShape: [4, 4, 1], inputShape: [16] }),
        // Its kernel CropAndResize has no lowering; take another model for this test when it gets one.
        layers.centerCrop({ name: "crop", height: 2, width: 2 }),
        layers.flatten(),
        layers.dense({ units: 1 }),
      ],
    });
    model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
    return model;
  }
  const images = memorySource({
    x: [{ dtype: "float32", shape: [6, 16], data: Float32Array.from({ length: 96 }, (_, at) => (at % 7) / 7) }],
    y: [0, 1, 0, 1, 0, 1],
  });

  it("trains on a tfjs engine, and the reason is told and kept", async () => {
    const events: JobEvent[] = [];
    const onEvent = (event: JobEvent): void => void events.push(event);
    const distributed = new ServerlessModel(cropped(), { cluster: made.cluster, executors: 2, onEvent });
    await distributed.fit(images, { epochs: 1, batchSize: 2 });
    const spec = await lastSpec(made.cluster);
    expect(spec.engine).toMatch(/^tfjs-/);
    expect(spec.engineReason).toMatch(/CropAndResize.*"crop"/);
    expect([spec.graphs, spec.compute]).toEqual([undefined, undefined]);
    const submitted = events.find(({ event }) => event === "job.submitted");
    expect(submitted).toMatchObject({ engine: spec.engine, engineReason: spec.engineReason });
    expect(await showJob(made.cluster, spec.job)).toMatchObject({
      engine: spec.engine,
      engineReason: spec.engineReason,
    });
  });

  it("is refused when the compiled engine is demanded, and nothing is started", async () => {
    const distributed = new ServerlessModel(cropped(), { cluster: made.cluster, executors: 2, engine: "compiled" });
    const refused = distributed.fit(images, { epochs: 1, batchSize: 2 });
    await expect(refused).rejects.toMatchObject({
      code: "model.not-traceable",
      message: expect.stringMatching(/CropAndResize.*"crop"/),
    });
    expect(await listJobs(made.cluster)).toEqual([]);
  });
});
