import { sizeOf } from "@stampede/core";
import { Batch, Column, Endianness, Table, tableToIPC, Version, type DataType, type Schema } from "@uwdata/flechette";
import { Scratch } from "../scratch.js";
import { columnField, columnType, rowBytesOf, type AnyColumn } from "./column-types.js";

/** A piece of an Arrow file: bytes as they are, or the values of some rows of a column. */
export type FilePiece =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "values"; readonly column: number; readonly fromRow: number; readonly rows: number };

/** flechette computes buffer lengths in 32-bit integers; larger columns are split into several record batches. */
const maxBufferBytes = 2 ** 30;

export interface LayoutOptions {
  /** Kept with the schema. */
  readonly metadata?: ReadonlyMap<string, string>;
  /** The most bytes of one column in one record batch. */
  readonly maxBytes?: number;
  /** Lends the placeholder; any number of layouts may use it at once. */
  readonly scratch?: Scratch;
}

/**
 * Lays out an Arrow IPC file (`ARROW1`, the format of Feather 2) without its values. Values of one record batch lie in the file as
 * one run of row-major numbers a column, at multiples of 8 bytes, so that a reader may view them in place.
 *
 * flechette writes the metadata: it is given columns of the right length over one placeholder that is never touched (zeroed
 * memory that the system does not even provide), and where its sink meets the placeholder, the values belong.
 */
export function layOutFile(
  columns: readonly AnyColumn[],
  rows: number,
  { metadata, maxBytes = maxBufferBytes, scratch = new Scratch() }: LayoutOptions = {},
): readonly FilePiece[] {
  const widest = Math.max(...columns.map(rowBytesOf));
  const batchRows = Math.max(1, Math.floor(maxBytes / widest));
  const starts = Array.from({ length: Math.max(1, Math.ceil(rows / batchRows)) }, (_, index) => index * batchRows);
  const lengths = starts.map((start) => Math.min(batchRows, rows - start));
  const placeholder = scratch.take(Math.min(batchRows, rows) * widest).buffer;
  const table = new Table(
    schemaOf(columns, metadata),
    columns.map((column) => {
      const type = columnType(column);
      return new Column(
        lengths.map((length) => batchOf(column, type, length, placeholder)),
        type,
      );
    }),
  );
  const expected = starts.flatMap((fromRow, batch) =>
    columns.map((_, column) => ({ column, fromRow, rows: lengths[batch] ?? 0 })),
  );
  return collectPieces(table, placeholder, expected);
}

function schemaOf(columns: readonly AnyColumn[], metadata?: ReadonlyMap<string, string>): Schema {
  const kept = metadata === undefined ? null : new Map(metadata);
  return { version: Version.V5, endianness: Endianness.Little, fields: columns.map(columnField), metadata: kept };
}

function batchOf(column: AnyColumn, type: DataType, length: number, placeholder: ArrayBuffer): Batch<unknown> {
  const values = new Uint8Array(placeholder, 0, length * rowBytesOf(column));
  const noNulls = { nullCount: 0, validity: new Uint8Array(0) };
  if (column.rowShape.length === 0) return new Batch({ length, type, values, ...noNulls });
  const elements = columnType({ ...column, rowShape: [] });
  const child = new Batch({ length: length * sizeOf(column.rowShape), type: elements, values, ...noNulls });
  return new Batch({ length, type, children: [child], ...noNulls });
}

function collectPieces(
  table: Table,
  placeholder: ArrayBuffer,
  expected: readonly { readonly column: number; readonly fromRow: number; readonly rows: number }[],
): readonly FilePiece[] {
  const pieces: FilePiece[] = [];
  const values = expected.filter(({ rows }) => rows > 0).values();
  const write = (bytes: Uint8Array): void => {
    if (bytes.buffer !== placeholder) {
      pieces.push({ kind: "bytes", bytes });
      return;
    }
    const next = values.next();
    if (next.done !== true) pieces.push({ kind: "values", ...next.value });
  };
  tableToIPC(table, {
    format: "file",
    sink: { write, pad: (count: number) => write(new Uint8Array(count)), finish: () => null },
  });
  return pieces;
}
