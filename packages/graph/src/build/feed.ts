import { sizeOf, type Encoding, type Field } from "@stampede/core";
import type { GraphBuilder } from "../ir/builder.js";
import { cast, compare, div, sub } from "../ir/ops/elementwise.js";
import { concat, gather, reshape, slice } from "../ir/ops/shape.js";
import type { Value } from "../ir/types.js";

type Affine = Extract<Encoding, { kind: "affine" }>;
type Columns = Extract<Encoding, { kind: "columns" }>;

/** The shape of `rows` rows as the model is fed them: a row of one number is a row all the same. */
function fedShape(field: Field, rows: number): readonly number[] {
  return [rows, ...(field.shape.length === 0 ? [1] : field.shape)];
}

/** The graph input that holds all stored rows of a field; their number is open. */
export function storedInput(g: GraphBuilder, index: number, field: Field, rows: number): Value {
  return g.input(storedInputName(index), field.storage, [rows, ...field.storedShape]);
}

export function storedInputName(index: number): string {
  return `data/${index}`;
}

/** Rows by their numbers (int32 [rows]), still as they are stored: only then are they decoded, so that uint8 stays uint8 in memory. */
export function pickRows(g: GraphBuilder, stored: Value, rows: Value): Value {
  return gather(g, stored, rows, 0);
}

/**
 * What the model is fed for stored rows: the same arithmetic in float32 as core's `encodeRows`.
 * @param stored [rows, ...field.storedShape]
 */
export function decode(g: GraphBuilder, field: Field, stored: Value): Value {
  const [rows = 0] = stored.shape;
  return reshape(g, decoded(g, field, stored, rows), fedShape(field, rows));
}

function decoded(g: GraphBuilder, { encoding, storedShape }: Field, stored: Value, rows: number): Value {
  switch (encoding.kind) {
    case "affine": {
      // Flat, because onnxruntime is twenty times slower to divide [64, 28, 28, 1] by a number than [64, 784].
      const width = sizeOf(storedShape);
      return affine(g, encoding, width, reshape(g, stored, [rows, width]));
    }
    case "classIndex":
      return cast(g, stored, "float32");
    case "oneHot":
      return oneHot(g, encoding.classes, stored);
    case "columns":
      return columns(g, encoding, reshape(g, stored, [rows, sizeOf(storedShape)]), rows);
  }
}

function affine(g: GraphBuilder, { subtract, divide }: Affine, width: number, stored: Value): Value {
  const shifted = sub(g, cast(g, stored, "float32"), numbers(g, subtract, width));
  return div(g, shifted, numbers(g, divide, width));
}

/** One number for all elements of a row, or one for each. */
function numbers(g: GraphBuilder, list: readonly number[], width: number): Value {
  if (list.length === 1) return g.scalar(Math.fround(list[0] ?? 0));
  return g.constant(Float32Array.from(list), "float32", [width]);
}

/** A class index in each element becomes a row of zeros with a one. */
function oneHot(g: GraphBuilder, classes: number, stored: Value): Value {
  const index = cast(g, stored, "int32");
  const range = g.constant(
    Int32Array.from({ length: classes }, (_, each) => each),
    "int32",
    [classes],
  );
  return cast(g, compare(g, "Equal", reshape(g, index, [...stored.shape, 1]), range), "float32");
}

/** Neighbouring affine columns are decoded together. */
function columns(g: GraphBuilder, { columns: list }: Columns, stored: Value, rows: number): Value {
  const parts: Value[] = [];
  for (let from = 0; from < list.length;) {
    const first = list[from];
    let to = from + 1;
    if (first?.kind === "affine") while (list[to]?.kind === "affine") to += 1;
    const part = slice(g, stored, [{ axis: 1, start: from, end: to }]);
    if (first?.kind === "oneHot") parts.push(reshape(g, oneHot(g, first.classes, part), [rows, first.classes]));
    else parts.push(affine(g, joined(list.slice(from, to)), to - from, part));
    from = to;
  }
  return concat(g, parts, 1);
}

function joined(list: Columns["columns"]): Affine {
  const each = list.filter((column) => column.kind === "affine");
  return {
    kind: "affine",
    subtract: each.map(({ subtract }) => subtract[0] ?? 0),
    divide: each.map(({ divide }) => divide[0] ?? 1),
  };
}
