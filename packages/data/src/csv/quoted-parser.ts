import { CsvError, parse } from "csv-parse/sync";
import { isStampedeError } from "@stampede/core";
import type { DataFile } from "../files/data-file.js";
import { refusal } from "../refusal.js";
import { numberOf } from "./number-text.js";
import {
  categoryOf,
  notANumber,
  notWanted,
  raggedRow,
  type CsvPosition,
  type CsvTable,
  type RecordSink,
} from "./table.js";

/** The dialect (RFC 4180, lines ending in LF or CRLF, empty lines skipped) in csv-parse's words. */
const dialect = {
  quote: '"',
  escape: '"',
  record_delimiter: ["\n", "\r\n"],
  relax_column_count: true,
  skip_empty_lines: true,
};

/** The thorough path: everything RFC 4180 allows in quotes, and exact complaints about what it does not. */
export function parseQuoted(bytes: Buffer, file: DataFile, line: number, table: CsvTable, sink: RecordSink): void {
  forEachRecord(bytes, { file, line }, String.fromCharCode(table.delimiter), (cells, position) => {
    cells.forEach((text, column) => readCell(text, column, position, table, sink));
    if (cells.length !== table.names.length) throw raggedRow(position, table.names.length, cells.length);
    sink.endRecord(position.line);
  });
}

/** Calls `use` for each record of `bytes`; `start` is where they begin. @throws StampedeError `data.format` */
export function forEachRecord(
  bytes: Buffer,
  start: CsvPosition,
  delimiter: string,
  use: (cells: readonly string[], position: CsvPosition) => void,
): void {
  const { file } = start;
  let linesOfRecords = 0;
  try {
    parse(bytes, {
      ...dialect,
      delimiter,
      on_record(cells: readonly string[], { lines }) {
        // csv-parse counts to the record's last line.
        linesOfRecords = lines;
        use(cells, { file, line: start.line + lines - 1 - lineBreaksIn(cells) });
        return null;
      },
    });
  } catch (error) {
    if (isStampedeError(error) || !(error instanceof CsvError)) throw error;
    const isOpen = error.code === "CSV_QUOTE_NOT_CLOSED";
    const lines = "lines" in error && typeof error.lines === "number" ? error.lines : 1;
    const line = start.line + (isOpen ? linesOfRecords : lines - 1);
    const text =
      `${file.name}:${line}: expected quotes only around a whole cell, and quotes inside it doubled; ` +
      (isOpen ? "found a quote that is not closed." : "found a stray quote.");
    throw refusal("data.format", text, { details: { file: file.path, line }, cause: error });
  }
}

function readCell(text: string, column: number, position: CsvPosition, table: CsvTable, sink: RecordSink): void {
  const name = table.names[column] ?? String(column);
  if (table.numbers[column] !== notWanted) {
    const value = numberOf(text);
    if (Number.isNaN(value)) throw notANumber(position, name, text);
    sink.record[column] = value;
  }
  const categories = table.categories[column];
  if (categories !== undefined) sink.record[table.names.length + column] = categoryOf(categories, text, position, name);
}

function lineBreaksIn(cells: readonly string[]): number {
  let count = 0;
  for (const cell of cells) {
    for (let at = cell.indexOf("\n"); at >= 0; at = cell.indexOf("\n", at + 1)) count++;
  }
  return count;
}
