import { randomUint32, sizeOf, tensorOf, uniformStream, type Field, type PartitionData } from "@stampede/core";

type Column = PartitionData["fields"][number];
type Name = Pick<Field, "name" | "role">;

const plain: Field["encoding"] = { kind: "affine", subtract: [0], divide: [1] };

/** Numbers as they are. */
export function numbers(name: Name, rows: number, shape: readonly number[], values: readonly number[]): Column {
  const field: Field = { ...name, storage: "float32", storedShape: [...shape], shape: [...shape], encoding: plain };
  return { field, tensor: tensorOf(Float32Array.from(values), [rows, ...shape]) };
}

/** Class indices, one-hot or as they are. */
function classes(name: Name, values: readonly number[], kind: "oneHot" | "classIndex", count: number): Column {
  const shape = kind === "oneHot" ? [count] : [];
  const field: Field = { ...name, storage: "uint8", storedShape: [], shape, encoding: { kind, classes: count } };
  return { field, tensor: tensorOf(Uint8Array.from(values), [values.length]) };
}

export const feature = (name: string): Name => ({ name, role: "feature" });
export const label = (name: string): Name => ({ name, role: "label" });

export function uniform(length: number, key: number): number[] {
  const next = uniformStream(key);
  return Array.from({ length }, () => next() * 2 - 1);
}

function indices(length: number, below: number, key: number): number[] {
  return Array.from({ length }, (_, index) => randomUint32(key, index) % below);
}

/** For `classifier`: 6 numbers and one of 3 classes a row. */
export function classifierData(rows: number, key = 7): PartitionData {
  return {
    rows,
    fields: [
      numbers(feature("x"), rows, [6], uniform(rows * 6, key)),
      classes(label("y"), indices(rows, 3, key), "oneHot", 3),
    ],
  };
}

/** For `twoByTwo`. */
export function twoByTwoData(rows: number): PartitionData {
  return {
    rows,
    fields: [
      classes(feature("word"), indices(rows, 5, 3), "oneHot", 5),
      numbers(feature("numbers"), rows, [3], uniform(rows * 3, 4)),
      classes(label("class"), indices(rows, 3, 5), "classIndex", 3),
      numbers(label("amount"), rows, [], uniform(rows, 6)),
    ],
  };
}

export function inOrder(rows: number): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, row) => row);
}

export function withoutLabels({ rows, fields }: PartitionData): PartitionData {
  return { rows, fields: fields.filter(({ field }) => field.role === "feature") };
}

/** Row `index` of a tensor's values. */
export function rowOf(values: ArrayLike<number>, shape: readonly number[], index: number): number[] {
  const width = sizeOf(shape.slice(1));
  return Array.from({ length: width }, (_, at) => values[index * width + at] ?? Number.NaN);
}
