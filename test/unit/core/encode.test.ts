import { encodedWidth, encodeRows, tensorOf, type Encoding, type Field, type NumericArray } from "@stampede/core";
import { describe, expect, it } from "vitest";
import { thrown } from "./thrown.js";

const field = (encoding: Encoding, storedShape: number[], storage: Field["storage"] = "float32"): Field => ({
  name: "x",
  role: "feature",
  storage,
  storedShape,
  shape: storedShape,
  encoding,
});
const affine = (subtract: number[], divide: number[]): Extract<Encoding, { kind: "affine" }> => ({
  kind: "affine",
  subtract,
  divide,
});
const oneHot = (classes: number): Extract<Encoding, { kind: "oneHot" }> => ({ kind: "oneHot", classes });
const classIndex = (classes: number): Encoding => ({ kind: "classIndex", classes });
const encode = (given: Field, stored: NumericArray, rows: number[] | { from: number; to: number }): number[] => {
  const picked = Array.isArray(rows) ? Uint32Array.from(rows) : rows;
  const count = Array.isArray(rows) ? rows.length : rows.to - rows.from;
  const out = new Float32Array(count * encodedWidth(given) + 1).fill(-7);
  encodeRows(given, stored, picked, out);
  expect(out.at(-1)).toBe(-7);
  return [...out.subarray(0, -1)];
};

describe("encodeRows", () => {
  it("picks rows in any order, also twice, or a span of them", () => {
    const plain = field(affine([0], [1]), [2]);
    const stored = Float32Array.of(1, 2, 3, 4, 5, 6);
    expect(encode(plain, stored, [2, 0, 2])).toEqual([5, 6, 1, 2, 5, 6]);
    expect(encode(plain, stored, { from: 1, to: 3 })).toEqual([3, 4, 5, 6]);
    expect(encode(plain, stored, { from: 2, to: 2 })).toEqual([]);
    expect(encode(plain, stored, [])).toEqual([]);
  });

  it.each([
    tensorOf(Uint8Array.of(0, 1, 128, 255), [4]),
    tensorOf(Int8Array.of(-128, -1, 0, 127), [4]),
    tensorOf(Uint16Array.of(0, 1, 255, 65_535), [4]),
    tensorOf(Int16Array.of(-32_768, -1, 0, 32_767), [4]),
    tensorOf(Int32Array.of(-2_147_483_648, -1, 16_777_217, 2_147_483_647), [4]),
    tensorOf(Float32Array.of(-0, 0.1, 1e-40, 3e38), [4]),
    tensorOf(Float64Array.of(0.1, 1 / 3, 1e300, -1e-300), [4]),
  ])("computes (x - subtract) / divide in float32, from $dtype", ({ dtype, data }) => {
    for (const [subtract, divide] of [
      [0, 1],
      [0, 255],
      [0.1, 0.3],
      [33.318421, 1],
    ] as const) {
      const [shift, scale] = [Math.fround(subtract), Math.fround(divide)];
      const expected = Array.from(data, (x) => Math.fround(Math.fround(Math.fround(x) - shift) / scale));
      expect(encode(field(affine([subtract], [divide]), [], dtype), data, { from: 0, to: 4 })).toEqual(expected);
    }
  });

  it("has a subtrahend and a divisor for each element, or one for all", () => {
    const stored = Uint8Array.of(1, 2, 3, 4);
    expect(encode(field(affine([1, 2], [1, 2]), [2], "uint8"), stored, [1, 0])).toEqual([2, 1, 0, 0]);
    expect(encode(field(affine([1], [1, 2]), [2], "uint8"), stored, [0])).toEqual([0, 0.5]);
    expect(encode(field(affine([1, 2], [2]), [2], "uint8"), stored, [0])).toEqual([0, 0]);
  });

  it("makes one-hot vectors, one for each stored value", () => {
    expect(encode(field(oneHot(3), [], "uint8"), Uint8Array.of(0, 2, 1), [1, 0])).toEqual([0, 0, 1, 1, 0, 0]);
    expect(encode(field(oneHot(2), [2], "int32"), Int32Array.of(0, 1), [0])).toEqual([1, 0, 0, 1]);
  });

  it("passes class indices on, also to an Int32Array", () => {
    const labels = field(classIndex(300), [1], "uint16");
    expect(encode(labels, Uint16Array.of(299, 0, 7), [2, 0])).toEqual([7, 299]);
    const out = new Int32Array(2);
    encodeRows(labels, Uint16Array.of(299, 0), { from: 0, to: 2 }, out);
    expect([...out]).toEqual([299, 0]);
  });

  it("encodes a table column by column", () => {
    const columns = field({ kind: "columns", columns: [affine([1], [2]), oneHot(3), affine([0], [1])] }, [3]);
    expect(encodedWidth(columns)).toBe(5);
    const stored = Float32Array.of(5, 2, 0.5, 1, 0, -1);
    expect(encode(columns, stored, [1, 0])).toEqual([0, 1, 0, 0, -1, 2, 0, 0, 1, 0.5]);
  });

  it("overwrites what was in the output before", () => {
    const out = new Float32Array(4).fill(9);
    encodeRows(field(oneHot(2), [], "uint8"), Uint8Array.of(1), { from: 0, to: 1 }, out);
    expect([...out]).toEqual([0, 1, 9, 9]);
  });

  it.each([
    [oneHot(3), Float32Array.of(0, 3), "found 3 in row 1"],
    [oneHot(3), Float32Array.of(0, -1), "found -1 in row 1"],
    [oneHot(3), Float32Array.of(0, 0.5), "found 0.5 in row 1"],
    [classIndex(3), Float32Array.of(0, Number.NaN), "found NaN in row 1"],
  ])("refuses classes that are none: %j of %j", (encoding, stored, found) => {
    const error = thrown(() => encode(field(encoding, []), stored, { from: 0, to: 2 }));
    expect(error.code).toBe("data.label-out-of-range");
    expect(error.message).toBe(
      `Expected whole numbers 0 ... 2 in field "x", ${found} of the partition. Its rows were not used.`,
    );
    expect(error.details).toEqual({ field: "x", row: 1 });
  });

  it("refuses rows that are not there, a short output and an encoding of another width", () => {
    const plain = field(affine([0], [1]), [2]);
    const stored = new Float32Array(4);
    expect(() => encode(plain, stored, [0, 2])).toThrow(
      new RangeError('Expected rows 0 ... 1 of field "x", found row 2.'),
    );
    expect(() => encodeRows(plain, stored, { from: 0, to: 2 }, new Float32Array(3))).toThrow(
      new RangeError('Expected room for 4 numbers of field "x", found 3.'),
    );
    expect(() => encode(field(affine([0, 1, 2], [1]), [2]), stored, [0])).toThrow(RangeError);
    expect(() => encode(field({ kind: "columns", columns: [oneHot(2)] }, [2]), stored, [0])).toThrow(RangeError);
  });
});

describe("encodedWidth", () => {
  it.each([
    [affine([0], [1]), [28, 28], 784],
    [affine([0], [1]), [], 1],
    [oneHot(10), [], 10],
    [oneHot(4), [3], 12],
    [classIndex(10), [1], 1],
  ])("of %j on rows of shape %j is %i", (encoding, shape, width) => {
    expect(encodedWidth(field(encoding, shape))).toBe(width);
  });
});
