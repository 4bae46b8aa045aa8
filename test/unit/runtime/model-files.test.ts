import { tensorOf, type NamedTensors } from "@stampede/core";
import {
  assignWeights,
  buildModel,
  defineModel,
  modelFiles,
  readModelFiles,
  type DefinedModel,
} from "@stampede/runtime";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { describe, expect, it } from "vitest";
import { compiled, smallModel, useCpu } from "./models.js";

useCpu();

type Files = Readonly<Record<string, Uint8Array>>;
interface Saved {
  weightsManifest: {
    paths: string[];
    weights: { name: string; dtype: string; shape: number[]; quantization?: unknown }[];
  }[];
  userDefinedMetadata?: unknown;
}

const readerOf =
  (files: Files) =>
  (name: string): Promise<Uint8Array> => {
    const found = files[name];
    return found === undefined ? Promise.reject(new Error(`no file ${name}`)) : Promise.resolve(found);
  };

/** As an HTTP server or `file://` handler would serve the files to stock tfjs. */
function serve(files: Files): tf.io.IOHandler {
  const text = new TextDecoder().decode(files["model.json"]);
  const json = JSON.parse(text) as tf.io.ModelJSON;
  const load = (manifest: tf.io.WeightsManifestConfig): Promise<[tf.io.WeightsManifestEntry[], ArrayBuffer]> => {
    const parts = manifest.flatMap(({ paths }) => paths.map((path) => Buffer.from(files[path] ?? new Uint8Array())));
    const bytes = new Uint8Array(Buffer.concat(parts));
    return Promise.resolve([manifest.flatMap(({ weights }) => weights), bytes.buffer]);
  };
  return { load: () => tf.io.getModelArtifactsForJSON(json, load) };
}

function changed(files: Files, change: (saved: Saved) => void): Files {
  const saved = JSON.parse(new TextDecoder().decode(files["model.json"])) as Saved;
  change(saved);
  return { ...files, "model.json": new TextEncoder().encode(JSON.stringify(saved)) };
}

const network = (): tfl.Sequential =>
  compiled(
    [
      tfl.layers.dense({ units: 4, inputShape: [3], activation: "relu" }),
      tfl.layers.batchNormalization({}),
      tfl.layers.dense({ units: 2, activation: "softmax" }),
    ],
    { optimizer: tf.train.rmsprop(0.01), loss: "categoricalCrossentropy", metrics: ["accuracy", tfl.metrics.recall] },
  );

describe("saved models", () => {
  it("load in stock tfjs, predict identically, and train there", async () => {
    const model = network();
    const { definition, weights } = defineModel(model);
    const files = modelFiles(definition, weights);
    expect(Object.keys(files)).toEqual(["model.json", "weights.bin"]);
    const loaded = await tfl.loadLayersModel(serve(files));
    const x = tf.tensor2d([
      [1, 2, 3],
      [-1, 0.5, 0],
    ]);
    const values = (from: tfl.LayersModel): number[] => [...(from.predict(x) as tf.Tensor).dataSync()];
    expect(values(loaded)).toEqual(values(model));
    const history = await loaded.fit(
      x,
      tf.tensor2d([
        [1, 0],
        [0, 1],
      ]),
      { epochs: 1, verbose: 0 },
    );
    expect(Object.keys(history.history)).toEqual(["loss", "acc"]);
  });

  it("are read back as they were", async () => {
    const defined = defineModel(network());
    const read = await readModelFiles(readerOf(modelFiles(defined.definition, defined.weights)));
    expect(read).toEqual(defined);
  });

  it("may be spread over several files, cut anywhere", async () => {
    const defined = defineModel(network());
    const files = modelFiles(defined.definition, defined.weights, 50);
    expect(Object.keys(files)).toEqual(["model.json", ...[1, 2, 3, 4].map((part) => `weights-${part}of4.bin`)]);
    expect(await readModelFiles(readerOf(files))).toEqual(defined);
    const loaded = await tfl.loadLayersModel(serve(files));
    expect([...(loaded.weights[0]?.read().dataSync() ?? [])]).toEqual([
      ...(defined.weights.values().next().value?.data ?? []),
    ]);
  });

  it("become a compiled model again", async () => {
    const model = network();
    const { definition, weights } = defineModel(model);
    const again = await buildModel(definition);
    assignWeights(again, weights);
    const defined = defineModel(again);
    expect(defined.weights).toEqual(weights);
    expect(defined.definition.training).toEqual(definition.training);
    expect(again.metricsNames).toEqual(["loss", "acc", "recall"]);
  });
});

describe("assigned weights", () => {
  it("are copies, and all or none", () => {
    const model = smallModel();
    const { weights } = defineModel(model);
    const kernel = tensorOf(
      Float32Array.from({ length: 6 }, (_, index) => index),
      [3, 2],
    );
    const wanted = new Map([...weights, ["only/kernel", kernel]]);
    assignWeights(model, wanted);
    kernel.data.fill(-1);
    expect([...(defineModel(model).weights.get("only/kernel")?.data ?? [])]).toEqual([0, 1, 2, 3, 4, 5]);
    const wrong: NamedTensors = new Map([
      ["only/kernel", kernel],
      ["only/bias", tensorOf(new Float32Array(3), [3])],
    ]);
    expect(() => assignWeights(model, wrong)).toThrow(expect.objectContaining({ code: "training.incompatible-delta" }));
    expect([...(defineModel(model).weights.get("only/kernel")?.data ?? [])]).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("damaged files", () => {
  const good = (): { defined: DefinedModel; files: Files } => {
    const defined = defineModel(smallModel());
    return { defined, files: modelFiles(defined.definition, defined.weights) };
  };
  const spec = (saved: Saved, index: number) => saved.weightsManifest[0]?.weights[index];

  it.each([
    {
      what: "truncated weights",
      damage: (files: Files) => ({ ...files, "weights.bin": files["weights.bin"]?.subarray(0, 20) }),
      says: "found 20",
    },
    {
      what: "superfluous bytes",
      damage: (files: Files) => ({ ...files, "weights.bin": new Uint8Array(33) }),
      says: "32 bytes in weights.bin",
    },
    {
      what: "text instead of JSON",
      damage: (files: Files) => ({ ...files, "model.json": new Uint8Array([104, 105]) }),
      says: "model.json",
    },
    {
      what: "no manifest",
      damage: (files: Files) => changed(files, (saved) => Reflect.deleteProperty(saved, "weightsManifest")),
      says: "weightsManifest",
    },
    {
      what: "another program's model",
      damage: (files: Files) => changed(files, (saved) => Reflect.deleteProperty(saved, "userDefinedMetadata")),
      says: "stampede",
    },
    {
      what: "a path that leads outside",
      damage: (files: Files) => changed(files, (saved) => saved.weightsManifest[0]?.paths.splice(0, 1, "../secret")),
      says: '"../secret"',
    },
    {
      what: "a name twice",
      damage: (files: Files) => changed(files, (saved) => Object.assign(spec(saved, 1) ?? {}, { name: "only/kernel" })),
      says: '"only/kernel" twice',
    },
  ])("are refused: $what", async ({ damage, says }) => {
    const reading = readModelFiles(readerOf(damage(good().files) as Files));
    await expect(reading).rejects.toMatchObject({ code: "model.invalid" });
    await expect(reading).rejects.toThrow(says);
  });

  it.each([
    { what: "quantised weights", change: { quantization: { dtype: "uint8", min: 0, scale: 1 } } },
    { what: "other dtypes", change: { dtype: "complex64" } },
  ])("are refused: $what", async ({ change }) => {
    const files = changed(good().files, (saved) => Object.assign(spec(saved, 0) ?? {}, change));
    await expect(readModelFiles(readerOf(files))).rejects.toMatchObject({
      code: "model.unsupported",
      details: { weight: "only/kernel" },
    });
  });
});
