import { StampedeError } from "./errors.js";
import type { Encoding, Field } from "./schema/dataset.js";
import { sizeOf, type NumericArray } from "./tensors.js";

type Affine = Extract<Encoding, { kind: "affine" }>;
type Columns = Extract<Encoding, { kind: "columns" }>;
type Fed = Float32Array | Int32Array;

/** How many numbers the model is fed for one row of the field. */
export function encodedWidth({ encoding, storedShape }: Field): number {
  switch (encoding.kind) {
    case "affine":
    case "classIndex":
      return sizeOf(storedShape);
    case "oneHot":
      return sizeOf(storedShape) * encoding.classes;
    case "columns":
      return encoding.columns.reduce((width, column) => width + (column.kind === "affine" ? 1 : column.classes), 0);
  }
}

/**
 * Turns stored rows into what the model is fed, by the field's encoding.
 * @param stored the field's values, row-major: any number of rows of `field.storedShape`
 * @param rows indices of rows, or the rows from `from` to `to - 1`
 * @param out receives one row of `encodedWidth(field)` numbers for each of `rows`, from its beginning; the rest stays. Numbers are
 *   computed in float32; an Int32Array takes them without their fraction.
 * @throws StampedeError `data.label-out-of-range` when a class is not a whole number in 0 ... classes - 1
 * @throws RangeError when a row is not there, `out` is too short or the encoding does not fit the stored shape
 */
export function encodeRows(
  field: Field,
  stored: NumericArray,
  rows: Uint32Array | { readonly from: number; readonly to: number },
  out: Fed,
): void {
  const picked = rows instanceof Uint32Array ? rows : spanned(rows.from, rows.to);
  const width = sizeOf(field.storedShape);
  refuseMisfit(field, stored.length / width, picked, out);
  const { encoding } = field;
  switch (encoding.kind) {
    case "affine":
      return encodeAffine(encoding, width, stored, picked, out);
    case "oneHot":
      return encodeOneHot(field, encoding.classes, stored, picked, out);
    case "classIndex":
      return encodeClassIndex(field, encoding.classes, stored, picked, out);
    case "columns":
      return encodeColumns(field, encoding, stored, picked, out);
  }
}

function spanned(from: number, to: number): Uint32Array {
  const rows = new Uint32Array(Math.max(0, to - from));
  for (let i = 0; i < rows.length; i += 1) rows[i] = from + i;
  return rows;
}

function refuseMisfit(field: Field, storedRows: number, rows: Uint32Array, out: Fed): void {
  const { name, encoding } = field;
  const width = sizeOf(field.storedShape);
  for (const row of rows) {
    if (row < storedRows) continue;
    throw new RangeError(`Expected rows 0 ... ${storedRows - 1} of field "${name}", found row ${row}.`);
  }
  const needed = rows.length * encodedWidth(field);
  if (out.length < needed) {
    throw new RangeError(`Expected room for ${needed} numbers of field "${name}", found ${out.length}.`);
  }
  const lengths = encoding.kind === "affine" ? [encoding.subtract.length, encoding.divide.length] : [];
  const columns = encoding.kind === "columns" ? encoding.columns.length : width;
  if (columns !== width || lengths.some((length) => length !== 1 && length !== width)) {
    const found = encoding.kind === "columns" ? columns : lengths.join(" and ");
    throw new RangeError(
      `Expected an encoding of the ${width} values a row of field "${name}", found one of ${found}.`,
    );
  }
}

function encodeAffine(
  { subtract, divide }: Affine,
  width: number,
  stored: NumericArray,
  rows: Uint32Array,
  out: Fed,
): void {
  if (subtract.length > 1 || divide.length > 1) {
    return encodeElementwise(spread(subtract, width), spread(divide, width), stored, rows, out);
  }
  const shift = Math.fround(subtract[0] ?? 0);
  const scale = Math.fround(divide[0] ?? 1);
  if (shift === 0 && scale === 1) return copyRows(width, stored, rows, out);
  if (stored instanceof Uint8Array) return lookUpRows(tableOf(shift, scale), width, stored, rows, out);
  encodeUniformly(shift, scale, width, stored, rows, out);
}

function spread(list: readonly number[], width: number): Float32Array {
  return list.length === 1 ? new Float32Array(width).fill(list[0] ?? 0) : Float32Array.from(list);
}

function copyRows(width: number, stored: NumericArray, rows: Uint32Array, out: Fed): void {
  let at = 0;
  for (const row of rows) {
    const start = row * width;
    for (let i = start; i < start + width; i += 1) out[at++] = stored[i] ?? 0;
  }
}

/** 256 divisions instead of one a pixel. */
function tableOf(shift: number, scale: number): Float32Array {
  const table = new Float32Array(256);
  for (let value = 0; value < table.length; value += 1) table[value] = affine(value, shift, scale);
  return table;
}

function lookUpRows(table: Float32Array, width: number, stored: Uint8Array, rows: Uint32Array, out: Fed): void {
  let at = 0;
  for (const row of rows) {
    const start = row * width;
    for (let i = start; i < start + width; i += 1) out[at++] = table[stored[i] ?? 0] ?? 0;
  }
}

function encodeUniformly(
  shift: number,
  scale: number,
  width: number,
  stored: NumericArray,
  rows: Uint32Array,
  out: Fed,
): void {
  let at = 0;
  for (const row of rows) {
    const start = row * width;
    for (let i = start; i < start + width; i += 1) out[at++] = affine(stored[i] ?? 0, shift, scale);
  }
}

function encodeElementwise(
  shifts: Float32Array,
  scales: Float32Array,
  stored: NumericArray,
  rows: Uint32Array,
  out: Fed,
): void {
  const width = shifts.length;
  let at = 0;
  for (const row of rows) {
    const start = row * width;
    for (let k = 0; k < width; k += 1) out[at++] = affine(stored[start + k] ?? 0, shifts[k] ?? 0, scales[k] ?? 1);
  }
}

/** In float32 throughout, as a processor or a graph would do it; `shift` and `scale` are float32 already. */
function affine(value: number, shift: number, scale: number): number {
  return Math.fround(Math.fround(Math.fround(value) - shift) / scale);
}

function encodeOneHot(field: Field, classes: number, stored: NumericArray, rows: Uint32Array, out: Fed): void {
  const width = sizeOf(field.storedShape);
  out.fill(0, 0, rows.length * width * classes);
  let at = 0;
  for (const row of rows) {
    for (let i = row * width; i < (row + 1) * width; i += 1) {
      out[at + classAt(field, classes, stored, i)] = 1;
      at += classes;
    }
  }
}

function encodeClassIndex(field: Field, classes: number, stored: NumericArray, rows: Uint32Array, out: Fed): void {
  const width = sizeOf(field.storedShape);
  let at = 0;
  for (const row of rows) {
    for (let i = row * width; i < (row + 1) * width; i += 1) out[at++] = classAt(field, classes, stored, i);
  }
}

function encodeColumns(field: Field, { columns }: Columns, stored: NumericArray, rows: Uint32Array, out: Fed): void {
  out.fill(0, 0, rows.length * encodedWidth(field));
  const steps = columns.map((column) =>
    column.kind === "affine"
      ? { classes: 0, shift: Math.fround(column.subtract[0] ?? 0), scale: Math.fround(column.divide[0] ?? 1) }
      : { classes: column.classes, shift: 0, scale: 1 },
  );
  let at = 0;
  for (const row of rows) {
    let i = row * columns.length;
    for (const { classes, shift, scale } of steps) {
      if (classes === 0) out[at] = affine(stored[i] ?? 0, shift, scale);
      else out[at + classAt(field, classes, stored, i)] = 1;
      at += classes === 0 ? 1 : classes;
      i += 1;
    }
  }
}

/** The class at an index of the stored values, checked: a wrong one would be written into the next row. */
function classAt(field: Field, classes: number, stored: NumericArray, index: number): number {
  const value = stored[index] ?? Number.NaN;
  if (value >= 0 && value < classes && Number.isInteger(value)) return value;
  const row = Math.floor(index / sizeOf(field.storedShape));
  const message = `Expected whole numbers 0 ... ${classes - 1} in field "${field.name}", found ${value} in row ${row} of the partition. Its rows were not used.`;
  throw new StampedeError("data.label-out-of-range", message, { details: { field: field.name, row } });
}
