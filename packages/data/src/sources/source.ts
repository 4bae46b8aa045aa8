import type { FieldSelection, TypedArrays } from "@stampede/core";
import type { CategoryTable } from "../fields/category-table.js";
import type { DataFile } from "../files/data-file.js";

/** Element types a source may hold; those that are not stored are converted on the way. */
interface SourceArrays extends TypedArrays {
  readonly uint32: Uint32Array;
  readonly int64: BigInt64Array;
  readonly uint64: BigUint64Array;
}
export type SourceDType = keyof SourceArrays;
export type SourceArray = SourceArrays[SourceDType];

export const sourceBytes = {
  float32: 4,
  float64: 8,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
} as const satisfies Record<SourceDType, number>;

export type FieldOptions = Pick<FieldSelection, "shape" | "scale" | "standardize" | "oneHot" | "classes">;

export interface SourceColumn {
  readonly name: string;
  /** Present when the column holds text; its values are then numbers of this table. */
  readonly categories?: CategoryTable;
}

/** One input or output of the model, as the source holds it. */
export interface SourceField {
  readonly role: "feature" | "label";
  readonly dtype: SourceDType;
  /** `[]` when a row is a single value. */
  readonly rowShape: readonly number[];
  readonly columns?: readonly SourceColumn[];
  readonly options: FieldOptions;
}

/** Names the place of one value for a message: file, and line and column or row. */
export type PlaceOf = (row: number, element: number) => string;

/** Rows that follow each other; one array a field, row-major. Valid until the next block is asked for. */
export interface SourceBlock {
  readonly rows: number;
  readonly values: readonly SourceArray[];
  readonly places: readonly PlaceOf[];
}

/** Bytes of a CSV file that hold whole records. */
export interface CsvStretch {
  /** Of the list of files. */
  readonly file: number;
  readonly start: number;
  readonly end: number;
  /** Of its first byte; lines count from 1. */
  readonly line: number;
  /** Whether the file's header stands at its beginning. */
  readonly header: boolean;
}

/** Rows that one of several passes reads. */
export interface RowRun {
  readonly start: number;
  readonly end: number;
  /** CSV: where they lie. Other formats know it from the number of the row. */
  readonly stretches: readonly CsvStretch[];
}

/** An opened source: its fields (features first) are known, its values are not yet read. */
export interface OpenSource {
  readonly fields: readonly SourceField[];
  /** Where the headers tell; undefined where rows have to be counted. */
  readonly rows: number | undefined;
  /** All rows once, or those of a run, in blocks of exactly `blockRows` but for the last. */
  blocks(blockRows: number, run?: RowRun): AsyncIterable<SourceBlock>;
}

export interface Source {
  /** For messages: the files. */
  readonly name: string;
  /** In the order of the data set. */
  readonly files: readonly DataFile[];
  /** Everything the values depend on, without paths: hashes of the bytes and how they are read. JSON. */
  identify(signal?: AbortSignal): Promise<unknown>;
  /** The same from hashes that are known, in the order of `files`. */
  identityOf(hashes: readonly string[]): unknown;
  open(): Promise<OpenSource>;
  /** @throws StampedeError `data.not-readable` when a file is no longer what `identify` saw */
  assertUnchanged(): Promise<void>;
}
