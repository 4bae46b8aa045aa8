import {
  encodedWidth,
  encodeRows,
  sizeOf,
  type Field,
  type ModelDefinition,
  type NumericArray,
  type PartitionData,
} from "@stampede/core";
import { columnsOf, type Column } from "../engine/columns.js";
import { dataInput, type Feeds } from "./graph.js";
import { toOrt } from "./tensors.js";

/** A partition's columns as graphs are fed them: as they are stored. */
export class GraphData {
  readonly #rows: number;
  readonly #columns: readonly Column[];

  /**
   * @param roles with or without labels
   * @throws StampedeError `model.data-mismatch`; `data.label-out-of-range`, which a graph would not notice
   */
  constructor(data: PartitionData, definition: ModelDefinition, roles: readonly Field["role"][]) {
    this.#rows = data.rows;
    this.#columns = roles.flatMap((role) => columnsOf(data, role, definition));
    for (const column of this.#columns) refuseUnknownClasses(column);
  }

  get fields(): readonly Field[] {
    return this.#columns.map(({ field }) => field);
  }

  /** Views of the rows from `from` to `to - 1`, by default all. */
  feeds(from = 0, to: number = this.#rows): Feeds {
    const feeds: Feeds = {};
    for (const [index, { field, tensor }] of this.#columns.entries()) {
      const width = sizeOf(field.storedShape);
      const values = tensor.data.subarray(from * width, to * width);
      feeds[dataInput(index)] = toOrt(values, [to - from, ...field.storedShape]);
    }
    return feeds;
  }

  /** Labels as the model is fed them. */
  labels(output: number, from: number, to: number): Float32Array {
    const column = this.#columns.filter(({ field }) => field.role === "label")[output];
    if (column === undefined) return new Float32Array();
    const values = new Float32Array((to - from) * encodedWidth(column.field));
    encodeRows(column.field, column.tensor.data, { from, to }, values);
    return values;
  }
}

/** Values that were looked through, with the numbers of classes that they are good for. */
const checked = new WeakMap<NumericArray, Set<string>>();

/** In a graph a class that does not exist would become a row of zeros. Each tensor is looked through once. */
function refuseUnknownClasses({ field, tensor: { data } }: Column): void {
  const classes = classesOf(field);
  if (classes.every((count) => count === 0)) return;
  const key = classes.join();
  const known = checked.get(data) ?? new Set();
  if (known.has(key)) return;
  const wrong = wrongRow(data, classes, sizeOf(field.storedShape));
  // Throws the error of whoever encodes this row.
  if (wrong !== undefined) encodeRows(field, data, Uint32Array.of(wrong), new Float32Array(encodedWidth(field)));
  checked.set(data, known.add(key));
}

/** For each number in a row how many classes it chooses from; 0 where it is no class. One entry where all are alike. */
function classesOf({ encoding }: Field): readonly number[] {
  switch (encoding.kind) {
    case "affine":
      return [0];
    case "oneHot":
    case "classIndex":
      return [encoding.classes];
    case "columns":
      return encoding.columns.map((column) => (column.kind === "oneHot" ? column.classes : 0));
  }
}

/** A row with a number that is no class; undefined where there is none. */
function wrongRow(data: NumericArray, classes: readonly number[], width: number): number | undefined {
  for (const [start, count] of classes.entries()) {
    if (count === 0) continue;
    for (let at = start; at < data.length; at += classes.length) {
      const value = data[at] ?? Number.NaN;
      if (!(value >= 0 && value < count && Number.isInteger(value))) return Math.floor(at / width);
    }
  }
  return undefined;
}
