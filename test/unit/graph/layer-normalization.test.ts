import { createGraphCompiler, defineModel, prepareTfjs } from "@stampede/runtime";
import { train } from "@tensorflow/tfjs-core";
import { layers, sequential, type LayersModel } from "@tensorflow/tfjs-layers";
import type { Field } from "@stampede/core";
import { beforeAll, expect, it } from "vitest";
import { countNodes } from "../../cases/graph-size.js";

beforeAll(prepareTfjs);

function normalised(length: number): LayersModel {
  const model = sequential({
    layers: [
      layers.dense({ units: 4, inputShape: [length, 3] }),
      layers.layerNormalization({}),
      layers.dense({ units: 2 }),
    ],
  });
  model.compile({ optimizer: train.sgd(0.1), loss: "meanSquaredError" });
  return model;
}

function field(role: Field["role"], shape: number[]): Field {
  const encoding = { kind: "affine" as const, subtract: [0], divide: [1] };
  return { name: role, role, storage: "float32", storedShape: shape, shape, encoding };
}

it("has a graph of one size for any number of rows, where tfjs' own gradient adds them up one by one", async () => {
  const sizes: number[] = [];
  for (const length of [2, 50]) {
    const compiler = await createGraphCompiler(defineModel(normalised(length)).definition);
    const fields = [field("feature", [length, 3]), field("label", [length, 2])];
    sizes.push(countNodes(compiler.compile({ kind: "train", batchSize: 8, fields }).bytes));
    compiler.dispose();
  }
  expect(sizes[1]).toBeLessThan(80);
  // Sums over few rows are products: two nodes instead of one.
  expect(Math.abs((sizes[0] ?? 0) - (sizes[1] ?? 0))).toBeLessThan(8);
});
