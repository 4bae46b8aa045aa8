import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { tensorOf } from "@stampede/core";
import { decodePredictions, encodePredictions, memorySource, shardDataset } from "@stampede/data";
import { MemoryObjectStore } from "@stampede/testing";
import { loadAll } from "../unit/data/support.js";

function numbered(rows: number, width: number): ReturnType<typeof memorySource> {
  const x = Int32Array.from({ length: rows * width }, (_, element) => Math.floor(element / width));
  return memorySource({
    x: tensorOf(x, [rows, width]),
    y: tensorOf(
      Uint8Array.from({ length: rows }, (_, row) => row % 7),
      [rows],
    ),
  });
}

describe("partitions", () => {
  const size = fc.record({
    rows: fc.integer({ min: 1, max: 300 }),
    width: fc.integer({ min: 1, max: 5 }),
    partitions: fc.integer({ min: 1, max: 12 }),
    seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    order: fc.constantFrom("shuffled" as const, "kept" as const),
    split: fc.option(fc.double({ min: 0.05, max: 0.95, noNaN: true }), { nil: undefined }),
  });

  test.prop([size], { numRuns: 80 })(
    "every row is in exactly one place, with its own label, evenly spread",
    async (wish) => {
      const { rows, width, partitions, seed, order, split } = wish;
      const store = new MemoryObjectStore();
      const validationSplit = order === "shuffled" && split !== undefined ? split : undefined;
      const heldOut = Math.round(rows * (validationSplit ?? 0));
      fc.pre(validationSplit === undefined || (heldOut > 0 && heldOut < rows));
      const sets = await shardDataset(
        {
          dataset: numbered(rows, width),
          baseFolder: ".",
          partitions,
          seed,
          order,
          emptyPartitions: "allow",
          ...(validationSplit === undefined ? {} : { validationSplit }),
        },
        { store },
      );
      const seen: number[] = [];
      for (const set of [sets.train, ...(sets.validation ? [sets.validation] : [])]) {
        const parts = await loadAll(store, set);
        const sizes = parts.map((part) => part.rows);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(sizes.reduce((sum, each) => sum + each, 0)).toBe(set === sets.validation ? heldOut : rows - heldOut);
        for (const { fields } of parts) {
          const [x, y] = fields.map(({ tensor }) => tensor.data);
          y?.forEach((label, row) => {
            const values = [...(x?.subarray(row * width, (row + 1) * width) ?? [])];
            expect(new Set(values).size).toBe(1);
            expect((values[0] ?? 0) % 7).toBe(label);
            seen.push(values[0] ?? -1);
          });
        }
      }
      expect(order === "kept" ? seen : seen.toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: rows }, (_, row) => row),
      );
    },
  );
});

describe("prediction files", () => {
  const outputs = fc
    .record({
      rows: fc.integer({ min: 0, max: 9 }),
      shapes: fc.array(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }), { minLength: 1, maxLength: 3 }),
    })
    .map(({ rows, shapes }) =>
      shapes.map((shape, index) => {
        const length = rows * shape.reduce((product, extent) => product * extent, 1);
        const values = Float32Array.from({ length }, (_, element) => element / 7 - index);
        return index % 2 === 0
          ? tensorOf(values, [rows, ...shape])
          : tensorOf(Int32Array.from(values), [rows, ...shape]);
      }),
    );

  test.prop([fc.integer({ min: 0, max: 2 ** 52 }), outputs])(
    "decode after encode gives the same",
    (firstRow, tensors) => {
      const rows = tensors[0]?.shape[0] ?? 0;
      expect(decodePredictions(encodePredictions(firstRow, tensors), "k")).toEqual({
        firstRow: rows === 0 ? 0 : firstRow,
        outputs: tensors,
      });
    },
  );

  test.prop([fc.nat(), fc.integer({ min: 1, max: 255 })], { numRuns: 1000 })(
    "a changed byte is noticed, or changes nothing that is read",
    (position, mask) => {
      const tensors = [tensorOf(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]), tensorOf(Int32Array.of(7, 8, 9), [3])];
      const bytes = encodePredictions(4, tensors);
      const at = position % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      let found: unknown;
      try {
        found = decodePredictions(bytes, "k");
      } catch (error) {
        expect(error).toMatchObject({ code: "store.corrupt" });
        return;
      }
      expect(found).toEqual({ firstRow: 4, outputs: tensors });
    },
  );
});
