import type { CategoryTable } from "../fields/category-table.js";
import type { DataFile } from "../files/data-file.js";
import { quoted, refusal } from "../refusal.js";
import type { StampedeError } from "@stampede/core";

export const notWanted = 0;
/** All takers round to float32, so that only the float32 has to be right. */
export const asFloat32 = 1;
export const asFloat64 = 2;

/** The columns of a CSV file and what their cells are read as. */
export interface CsvTable {
  /** The byte between cells. */
  readonly delimiter: number;
  readonly names: readonly string[];
  /** How precisely the column's numbers are wanted: `notWanted`, `asFloat32` or `asFloat64`, by column. */
  readonly numbers: Uint8Array;
  /** The tables of columns that some field takes as text. */
  readonly categories: readonly (CategoryTable | undefined)[];
}

/**
 * Takes over one record after the other. Of column c, `record[c]` is the number and `record[names.length + c]` the category, where
 * some field wants it.
 */
export interface RecordSink {
  readonly record: Float64Array;
  endRecord(line: number): void;
}

/** Where a parser is, for messages; lines count from 1. */
export interface CsvPosition {
  readonly file: DataFile;
  readonly line: number;
}

export function placeOfCell({ file, line }: CsvPosition, column: string): string {
  return `${file.name}:${line}, column ${quoted(column)}`;
}

export function notANumber(position: CsvPosition, column: string, text: string): StampedeError {
  const found = text.trim() === "" ? "an empty cell" : quoted(text);
  const message = `${placeOfCell(position, column)}: expected a number, found ${found}.`;
  return refusal("data.not-a-number", message, { details: detailsOf(position, column) });
}

export function raggedRow(position: CsvPosition, expected: number, found: number): StampedeError {
  const message = `${position.file.name}:${position.line}: expected ${expected} cells, found ${found}.`;
  return refusal("data.ragged-row", message, { details: detailsOf(position) });
}

/** A category may stand for one class of an input; so many are taken for a column of free text. */
const maxCategories = 1_000_000;

/** @throws StampedeError `data.unknown-category`, `data.format` */
export function categoryOf(table: CategoryTable, text: string, position: CsvPosition, column: string): number {
  const number = table.numberOf(text);
  if (number >= 0 && number < maxCategories) return number;
  const place = placeOfCell(position, column);
  const details = detailsOf(position, column);
  if (number < 0) {
    const message = `${place}: expected one of the ${table.size} texts of the training data, found ${quoted(text)}.`;
    throw refusal("data.unknown-category", message, { details });
  }
  throw refusal("data.format", `${place}: expected at most ${maxCategories} different texts, found more.`, { details });
}

function detailsOf({ file, line }: CsvPosition, column?: string): Readonly<Record<string, string | number>> {
  return { file: file.path, line, ...(column === undefined ? {} : { column }) };
}
