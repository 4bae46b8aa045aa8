import { sizeOf, tensorOf, uniformStream, type Field, type NumericArray, type PartitionData } from "@stampede/core";
import type { Case, Column, Maker } from "./case.js";

type Shape = readonly number[];
const asIs: Field["encoding"] = { kind: "affine", subtract: [0], divide: [1] };

function column(
  name: Pick<Field, "name" | "role">,
  values: NumericArray,
  { storage, storedShape, shape, encoding }: Pick<Field, "storage" | "storedShape" | "shape" | "encoding">,
): Column {
  const rows = values.length / sizeOf(storedShape);
  return {
    field: { ...name, storage, storedShape, shape, encoding },
    tensor: tensorOf(values, [rows, ...storedShape]),
  };
}

function plainFloats(shape: Shape, value: (next: () => number) => number): Maker {
  return (name, rows, key) => {
    const next = uniformStream(key);
    const values = Float32Array.from({ length: rows * sizeOf(shape) }, () => value(next));
    const list = [...shape];
    return column(name, values, { storage: "float32", storedShape: list, shape: list, encoding: asIs });
  };
}

/** Numbers in [from, to). */
export const floats = (shape: Shape, from = -1, to = 1): Maker =>
  plainFloats(shape, (next) => from + next() * (to - from));

/** Zeros and ones: a pooling window has many equal largest elements. */
export const bits = (shape: Shape): Maker => plainFloats(shape, (next) => Math.round(next()));

/** -1 and 1, as hinge losses want them. */
export const signs = (shape: Shape): Maker => plainFloats(shape, (next) => (next() < 0.5 ? -1 : 1));

/** Whole numbers from 0 to `count` - 1 as float32, as tfjs feeds embeddings; `zeros` is the part that is 0. */
export const words = (length: number, count: number, zeros = 0): Maker =>
  plainFloats([length], (next) => (next() < zeros ? 0 : Math.floor(next() * count)));

/** Steps that are zero from a different place on in each row, as padded sequences are. */
export function padded(length: number, width: number): Maker {
  return (name, rows, key) => {
    const made = floats([length, width])(name, rows, key);
    const next = uniformStream(key + 1);
    for (let row = 0; row < rows; row += 1) {
      const from = 1 + Math.floor(next() * length);
      made.tensor.data.fill(0, (row * length + from) * width, (row + 1) * length * width);
    }
    return made;
  };
}

function classes(count: number, each: Shape, encoding: Field["encoding"], shape: number[]): Maker {
  return (name, rows, key) => {
    const next = uniformStream(key);
    const values = Uint8Array.from({ length: rows * sizeOf(each) }, () => Math.floor(next() * count));
    return column(name, values, { storage: "uint8", storedShape: [...each], shape, encoding });
  };
}

/** Classes as rows with a one; `each` is the shape of the classes themselves, [] for one a row. */
export const oneHot = (count: number, each: Shape = []): Maker =>
  classes(count, each, { kind: "oneHot", classes: count }, [...each, count]);

export const classIndex = (count: number, each: Shape = []): Maker =>
  classes(count, each, { kind: "classIndex", classes: count }, [...each]);

/** Rows of positive numbers that add up to 1. */
export function distributions(width: number): Maker {
  return (name, rows, key) => {
    const made = floats([width], 0.1, 1)(name, rows, key);
    const { data } = made.tensor;
    for (let from = 0; from < data.length; from += width) {
      const row = Array.from(data.subarray(from, from + width), Number);
      const total = row.reduce((sum, value) => sum + value, 0);
      data.set(
        row.map((value) => value / total),
        from,
      );
    }
    return made;
  };
}

/** Bytes that are fed as numbers from 0 to 1, as pictures are. */
export function bytes(shape: Shape, divide: readonly number[] = [255], subtract: readonly number[] = [0]): Maker {
  return (name, rows, key) => {
    const next = uniformStream(key);
    const values = Uint8Array.from({ length: rows * sizeOf(shape) }, () => Math.floor(next() * 256));
    const encoding: Field["encoding"] = { kind: "affine", subtract: [...subtract], divide: [...divide] };
    return column(name, values, { storage: "uint8", storedShape: [...shape], shape: [...shape], encoding });
  };
}

const arrays = { int8: Int8Array, uint16: Uint16Array, int16: Int16Array, int32: Int32Array, float64: Float64Array };

/** Numbers of another type, from -100 to 100 or from 0 on, fed as they are divided by 50. */
export function stored(storage: keyof typeof arrays, shape: Shape): Maker {
  return (name, rows, key) => {
    const next = uniformStream(key);
    const lowest = storage === "uint16" ? 0 : -100;
    const list = Array.from({ length: rows * sizeOf(shape) }, () => lowest + Math.floor(next() * 200));
    const encoding: Field["encoding"] = { kind: "affine", subtract: [0], divide: [50] };
    const form = { storage, storedShape: [...shape], shape: [...shape], encoding };
    return column(name, arrays[storage].from(list), form);
  };
}

/** A table: two standardised numbers, a category of three, another number, a category of four. */
export const table: Maker = (name, rows, key) => {
  const next = uniformStream(key);
  const affine = (subtract: number, divide: number) => ({
    kind: "affine" as const,
    subtract: [subtract],
    divide: [divide],
  });
  const hot = (count: number) => ({ kind: "oneHot" as const, classes: count });
  const columns = [affine(40, 12.5), affine(-3, 0.7), hot(3), affine(0.1, 0.3), hot(4)];
  const row = () => [20 + next() * 40, next() * -6, Math.floor(next() * 3), next(), Math.floor(next() * 4)];
  const values = Float64Array.from(Array.from({ length: rows }, row).flat());
  return column(name, values, {
    storage: "float64",
    storedShape: [5],
    shape: [10],
    encoding: { kind: "columns", columns },
  });
};
export const tableWidth = 10;

export function dataOf({ x, y }: Pick<Case, "x" | "y">, rows: number, key = 1): PartitionData {
  const fields = [
    ...x.map((make, index) => make({ name: `x${index}`, role: "feature" }, rows, key * 100 + index)),
    ...y.map((make, index) => make({ name: `y${index}`, role: "label" }, rows, key * 100 + 50 + index)),
  ];
  return { rows, fields };
}

/** The same, where every fourth row is zero in all of its steps. */
export function masked(length: number, width: number): Maker {
  return (name, rows, key) => {
    const made = padded(length, width)(name, rows, key);
    for (let row = 0; row < rows; row += 4) made.tensor.data.fill(0, row * length * width, (row + 1) * length * width);
    return made;
  };
}
