import { sizeOf, StampedeError, type DType, type Tensor } from "@stampede/core";
import { Precision, Type, type DataType, type Field as ArrowField } from "@uwdata/flechette";
import { rowBytesOf, type AnyColumn, type TensorColumn } from "./arrow/column-types.js";
import { layOutFile } from "./arrow/file-layout.js";
import { corrupt, decoding } from "./arrow/corrupt.js";
import { readColumn, readTable } from "./arrow/read-file.js";
import { checkSeal, seal, sealMetadata } from "./arrow/seal.js";

/** Predictions of rows `firstRow`, `firstRow + 1`, ... of a data set; one tensor of shape [rows, ...] for each output of the model. */
export interface Predictions {
  readonly firstRow: number;
  readonly outputs: readonly Tensor[];
}

const rowColumn: AnyColumn = { name: "row", dtype: "int64", rowShape: [] };

/**
 * An Arrow file with the column `row` (int64: the number of the row in the data set, from 0) and the columns `output0`,
 * `output1`, ...
 *
 * @param outputs of shape [rows, ...], all with the same number of rows
 */
export function encodePredictions(firstRow: number, outputs: readonly Tensor[]): Uint8Array {
  const rows = outputs[0]?.shape[0];
  if (rows === undefined || outputs.some(({ shape, data }) => shape[0] !== rows || sizeOf(shape) !== data.length)) {
    const shapes = outputs.map(({ shape }) => `[${shape.join(", ")}]`).join(", ");
    throw new StampedeError(
      "internal.unexpected",
      `Expected outputs with equally many rows, found the shapes ${shapes || "of none"}.`,
    );
  }
  const columns = [rowColumn, ...outputs.map(columnOfOutput)];
  const values = [bytesOf(rowNumbers(firstRow, rows)), ...outputs.map(({ data }) => bytesOf(data))];
  const pieces = layOutFile(columns, rows, { metadata: sealMetadata }).map((piece) => {
    const column = piece.kind === "values" ? columns[piece.column] : undefined;
    if (piece.kind === "bytes" || column === undefined) return piece.kind === "bytes" ? piece.bytes : new Uint8Array(0);
    const rowBytes = rowBytesOf(column);
    return (values[piece.column] ?? new Uint8Array(0)).subarray(
      piece.fromRow * rowBytes,
      (piece.fromRow + piece.rows) * rowBytes,
    );
  });
  return seal(Buffer.concat(pieces));
}

/**
 * Reads what `encodePredictions` wrote. The tensors are views of `bytes` where it is aligned to 8 bytes.
 *
 * @param key the object's key, for messages
 * @throws StampedeError `store.corrupt`
 */
export function decodePredictions(bytes: Uint8Array, key: string): Predictions {
  checkSeal(bytes, key);
  return decoding(key, "an Arrow file of predictions", () => {
    const table = readTable(bytes);
    const [rowField, ...fields] = table.schema.fields;
    const parts = table.children[0]?.data.map(({ values }) => values) ?? [];
    const numbers = parts.filter((part) => part instanceof BigInt64Array);
    if (rowField?.name !== rowColumn.name || fields.length === 0 || numbers.length < parts.length) {
      throw corrupt(key, "a column row and columns of outputs", table.schema.fields.map(({ name }) => name).join(", "));
    }
    const firstRow = firstOf(numbers, key);
    const outputs = fields.map((field, index) => readColumn(table.children[index + 1], describe(field, key), key));
    const rows = numbers.reduce((sum, part) => sum + part.length, 0);
    if (outputs.some(({ shape }) => shape[0] !== rows)) throw corrupt(key, `${rows} rows`, "others");
    return { firstRow, outputs };
  });
}

function firstOf(numbers: readonly BigInt64Array[], key: string): number {
  const firstRow = Number(numbers[0]?.[0] ?? 0);
  let row = firstRow;
  for (const part of numbers) {
    for (const number of part) {
      if (number !== BigInt(row)) throw corrupt(key, `row ${row}`, `row ${number}`);
      row++;
    }
  }
  return firstRow;
}

function columnOfOutput({ dtype, shape }: Tensor, index: number): TensorColumn {
  return { name: `output${index}`, dtype, rowShape: shape.slice(1) };
}

function rowNumbers(firstRow: number, rows: number): BigInt64Array {
  return BigInt64Array.from({ length: rows }, (_, index) => BigInt(firstRow + index));
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function describe({ name, type, metadata }: ArrowField, key: string): TensorColumn {
  const element = type.typeId === Type.FixedSizeList ? type.children[0]?.type : type;
  const dtype = element === undefined ? undefined : dtypeOf(element);
  if (dtype === undefined) throw corrupt(key, `numbers in column ${name}`, "another type");
  if (type.typeId !== Type.FixedSizeList) return { name, dtype, rowShape: [] };
  const shape = shapeIn(metadata?.get("ARROW:extension:metadata"));
  if (sizeOf(shape ?? []) !== type.stride) {
    throw corrupt(key, `the shape of ${type.stride} numbers a row in column ${name}`, "another");
  }
  return { name, dtype, rowShape: shape ?? [] };
}

function dtypeOf(type: DataType): DType | undefined {
  if (type.typeId === Type.Float) {
    return type.precision === Precision.SINGLE
      ? "float32"
      : type.precision === Precision.DOUBLE
        ? "float64"
        : undefined;
  }
  if (type.typeId !== Type.Int) return undefined;
  switch (type.bitWidth) {
    case 8:
      return type.signed ? "int8" : "uint8";
    case 16:
      return type.signed ? "int16" : "uint16";
    case 32:
      return type.signed ? "int32" : undefined;
    case 64:
      return undefined;
  }
}

function shapeIn(text: string | undefined): readonly number[] | undefined {
  if (text === undefined) return undefined;
  const parsed: unknown = JSON.parse(text);
  const shape: unknown = typeof parsed === "object" && parsed !== null && "shape" in parsed ? parsed.shape : undefined;
  return Array.isArray(shape) && shape.every((extent) => typeof extent === "number") ? shape : undefined;
}
