import type { DataFile } from "../files/data-file.js";
import { readNumber } from "./number-bytes.js";
import { numberOf } from "./number-text.js";
import { carriageReturn, lineFeed, quoteMark } from "./segments.js";
import {
  asFloat32,
  categoryOf,
  notANumber,
  notWanted,
  raggedRow,
  type CsvPosition,
  type CsvTable,
  type RecordSink,
} from "./table.js";

/** Where the parser stopped: at the end, or at the start of a record that it leaves to csv-parse. */
export interface PlainStop {
  readonly at: number;
  readonly line: number;
}

/**
 * The fast path: works on bytes and makes no object for a cell of numbers. It takes records without line breaks inside quotes, and
 * stops before the first that it does not understand.
 */
export class PlainParser {
  readonly #file: DataFile;
  readonly #delimiter: number;
  readonly #names: readonly string[];
  readonly #numbers: Uint8Array;
  readonly #categories: CsvTable["categories"];
  readonly #sink: RecordSink;
  #bytes: Buffer = Buffer.alloc(0);
  #line = 1;
  /** The quoted cell at hand holds doubled quotes. */
  #hasEscapes = false;

  constructor(file: DataFile, table: CsvTable, sink: RecordSink) {
    this.#file = file;
    this.#delimiter = table.delimiter;
    this.#names = table.names;
    this.#numbers = table.numbers;
    this.#categories = table.categories;
    this.#sink = sink;
  }

  /** @param bytes whole records, each ending in a line feed */
  parse(bytes: Buffer, start: number, line: number): PlainStop {
    this.#bytes = bytes;
    this.#line = line;
    let at = start;
    while (at < bytes.length) {
      const next = lineBreakAt(bytes, at);
      const end = next > 0 ? next : this.#record(at);
      if (end < 0) break;
      if (next <= 0) this.#sink.endRecord(this.#line);
      this.#line++;
      at = end;
    }
    return { at, line: this.#line };
  }

  /** The position after the record, or -1 for one that this parser leaves alone. */
  #record(start: number): number {
    const bytes = this.#bytes;
    const delimiter = this.#delimiter;
    const columns = this.#names.length;
    let at = start;
    for (let column = 0; ; column++) {
      const stop = this.#cell(at, column);
      if (stop < 0) return -1;
      if (bytes[stop] === delimiter) {
        at = stop + 1;
        continue;
      }
      if (column + 1 !== columns) throw raggedRow(this.#position(), columns, column + 1);
      return bytes[stop] === carriageReturn ? stop + 2 : stop + 1;
    }
  }

  /** Reads a cell and answers the position of what ends it, a delimiter or line break; -1 to give up. */
  #cell(start: number, column: number): number {
    const bytes = this.#bytes;
    const isQuoted = bytes[start] === quoteMark;
    const from = isQuoted ? start + 1 : start;
    const wanted = this.#numbers[column] ?? notWanted;
    const table = this.#categories[column];
    if (wanted !== notWanted && table === undefined) {
      const stop = readNumber(bytes, from, this.#sink.record, column, wanted === asFloat32);
      if (stop > 0 && isQuoted && bytes[stop] === quoteMark && this.#endsCell(stop + 1)) return stop + 1;
      if (stop > 0 && !isQuoted && this.#endsCell(stop)) return stop;
    }
    const stop = isQuoted ? this.#closingQuote(from) : this.#cellEnd(from);
    if (stop < 0) return -1;
    if (wanted !== notWanted) this.#sink.record[column] = this.#number(from, stop, column);
    if (table !== undefined) {
      const raw = bytes.toString("utf8", from, stop);
      const text = isQuoted && this.#hasEscapes ? raw.replaceAll('""', '"') : raw;
      this.#sink.record[this.#names.length + column] = categoryOf(table, text, this.#position(), this.#name(column));
    }
    return isQuoted ? stop + 1 : stop;
  }

  #number(from: number, stop: number, column: number): number {
    const text = this.#bytes.toString("utf8", from, stop);
    const value = numberOf(text);
    if (Number.isNaN(value)) throw notANumber(this.#position(), this.#name(column), text);
    return value;
  }

  #endsCell(at: number): boolean {
    const byte = this.#bytes[at];
    return (
      byte === this.#delimiter || byte === lineFeed || (byte === carriageReturn && this.#bytes[at + 1] === lineFeed)
    );
  }

  #closingQuote(from: number): number {
    const bytes = this.#bytes;
    this.#hasEscapes = false;
    for (let at = from; ; at++) {
      const byte = bytes[at];
      if (byte === lineFeed) return -1;
      if (byte !== quoteMark) continue;
      if (bytes[at + 1] !== quoteMark) return this.#endsCell(at + 1) ? at : -1;
      this.#hasEscapes = true;
      at++;
    }
  }

  #cellEnd(from: number): number {
    const bytes = this.#bytes;
    const delimiter = this.#delimiter;
    for (let at = from; ; at++) {
      const byte = bytes[at];
      if (byte === delimiter) return at;
      if (byte === quoteMark) return -1;
      if (byte === lineFeed) return at > from && bytes[at - 1] === carriageReturn ? at - 1 : at;
    }
  }

  #position(): CsvPosition {
    return { file: this.#file, line: this.#line };
  }

  #name(column: number): string {
    return this.#names[column] ?? String(column);
  }
}

/** The position after a line break at `at`; 0 when there is none. */
export function lineBreakAt(bytes: Buffer, at: number): number {
  if (bytes[at] === lineFeed) return at + 1;
  return bytes[at] === carriageReturn && bytes[at + 1] === lineFeed ? at + 2 : 0;
}
