import { describe, expect, test } from "vitest";
import { tensorOf } from "@stampede/core";
import { decodePredictions, encodePredictions } from "@stampede/data";

const outputs = [
  tensorOf(
    Float32Array.from({ length: 12 }, (_, value) => value / 3),
    [3, 2, 2],
  ),
  tensorOf(Int32Array.of(1, -2, 3), [3]),
  tensorOf(Float32Array.of(1, 2, 3), [3, 1]),
];

describe("prediction files", () => {
  test("come back as they were, with their first row", () => {
    for (const firstRow of [0, 7, 2 ** 40]) {
      expect(decodePredictions(encodePredictions(firstRow, outputs), "key")).toEqual({ firstRow, outputs });
    }
  });

  test("may hold no row", () => {
    const empty = [tensorOf(new Float32Array(0), [0, 10])];
    expect(decodePredictions(encodePredictions(5, empty), "key").outputs).toEqual(empty);
  });

  test("are read from unaligned bytes", () => {
    const bytes = encodePredictions(3, outputs);
    const shifted = new Uint8Array(bytes.length + 1).subarray(1);
    shifted.set(bytes);
    expect(decodePredictions(shifted, "key")).toEqual({ firstRow: 3, outputs });
  });

  test("equal input, equal bytes", () => {
    expect(encodePredictions(1, outputs)).toEqual(encodePredictions(1, outputs));
  });

  test("refuse outputs with different numbers of rows", () => {
    const uneven = [...outputs, tensorOf(new Float32Array(2), [2, 1])];
    expect(() => encodePredictions(0, uneven)).toThrow("Expected outputs with equally many rows");
    expect(() => encodePredictions(0, [])).toThrow("Expected outputs with equally many rows");
  });

  test("other bytes are corrupt, and the key is named", () => {
    const bytes = encodePredictions(0, outputs);
    const skipped = Buffer.from(bytes);
    const rows = skipped.indexOf(Buffer.from(BigInt64Array.of(0n, 1n, 2n).buffer));
    skipped[rows + 8] = 5;
    for (const wrong of [new Uint8Array(0), Buffer.from("no arrow file at all"), bytes.subarray(0, 100), skipped]) {
      expect(() => decodePredictions(wrong, "jobs/j/p.arrow")).toThrow(
        expect.objectContaining({ code: "store.corrupt", message: expect.stringContaining("jobs/j/p.arrow") }),
      );
    }
  });
});
