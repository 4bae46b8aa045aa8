import { describe, expect, test } from "vitest";
import { tensorOf } from "@stampede/core";
import { memorySource } from "@stampede/data";
import { complaint, read } from "./support.js";

describe("values in memory", () => {
  test("nested lists become float32 tensors", async () => {
    const found = await read({ dataset: memorySource({ x: [[[1, 2]], [[3, 4]]], y: [5, 6] }) });
    expect(found.fields).toMatchObject([
      { name: "features", storage: "float32", storedShape: [1, 2], shape: [1, 2] },
      { name: "labels", storage: "float32", storedShape: [], shape: [1] },
    ]);
    expect(found.values).toEqual([
      [1, 2, 3, 4],
      [5, 6],
    ]);
  });

  test("tensors keep their type, views and several inputs included", async () => {
    const view = new Int16Array([9, 1, 2, 3, 4, 9]).subarray(1, 5);
    const doubles = tensorOf(Float64Array.of(0.1, 0.2), [2]);
    const found = await read({
      dataset: memorySource({
        x: [tensorOf(view, [2, 2]), doubles],
        y: tensorOf(Uint8Array.of(1, 0), [2]),
        xOptions: [{ scale: 2 }, {}],
        yOptions: { oneHot: 2 },
      }),
    });
    expect(found.fields).toMatchObject([
      { name: "features0", storage: "int16", encoding: { divide: [2] } },
      { name: "features1", storage: "float32", encoding: { divide: [1] } },
      { name: "labels", storage: "uint8", encoding: { kind: "oneHot" } },
    ]);
    expect(found.values).toEqual([
      [1, 2, 3, 4],
      [Math.fround(0.1), Math.fround(0.2)],
      [1, 0],
    ]);
  });

  test("lists of unequal lengths and other values are refused", () => {
    expect(() => memorySource({ x: [[1, 2], [3]] })).toThrow("Expected lists of length 2 in x, found one of length 1.");
    // @ts-expect-error: also for callers without types
    expect(() => memorySource({ x: [[1], ["2"]] })).toThrow("Expected numbers in x, found string.");
  });

  test.each([
    [
      "NaN",
      memorySource({ x: [[1], [Number.NaN]] }),
      "data.not-a-number: features, row 1 (counted from 0): expected a number, found NaN",
    ],
    ["rows", memorySource({ x: [[1], [2]], y: [1] }), "data.length-mismatch: "],
    ["none", memorySource({ x: [] }), "data.empty: the data in memory: expected at least one row"],
    [
      "a wrong shape",
      memorySource({ x: tensorOf(new Float32Array(3), [2, 2]) }),
      "option.invalid: Expected features of shape",
    ],
    [
      "labels",
      memorySource({ x: [[1], [2]], y: [0, 2], yOptions: { oneHot: 2 } }),
      "data.label-out-of-range: labels, row 1",
    ],
  ])("%s are refused", async (_, dataset, message) => {
    expect(await complaint(read({ dataset }))).toContain(message);
  });
});

describe("digits", () => {
  test("1,797 images of 64 values and their labels", async () => {
    const found = await read({ dataset: { format: "builtin", name: "digits" } });
    expect(found.fields).toMatchObject([
      { storage: "uint8", storedShape: [64], shape: [64], encoding: { kind: "affine", divide: [1] } },
      { storage: "uint8", shape: [1], encoding: { kind: "classIndex", classes: 10 } },
    ]);
    const [pixels = [], labels = []] = found.values;
    expect(pixels.slice(0, 16)).toEqual([0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0]);
    expect(Math.max(...labels)).toBe(9);
    expect(pixels.length).toBe(1797 * 64);
    expect(pixels.reduce((a, b) => Math.max(a, b), 0)).toBe(16);
    const counts = Array.from({ length: 10 }, (_, digit) => labels.filter((label) => label === digit).length);
    expect(counts).toEqual([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
  });

  test("with a shape, a scale and one-hot labels, or without labels", async () => {
    const features = { shape: [8, 8, 1], scale: 16 };
    const found = await read({ dataset: { format: "builtin", name: "digits", features, labels: { oneHot: 10 } } });
    expect(found.fields).toMatchObject([{ shape: [8, 8, 1] }, { shape: [10] }]);
    const unlabelled = await read({ dataset: { format: "builtin", name: "digits" }, labels: "ignore" });
    expect(unlabelled.fields.length).toBe(1);
  });
});
