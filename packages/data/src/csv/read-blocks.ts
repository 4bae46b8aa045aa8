import type { ByteRange } from "@stampede/core";
import type { DataFile } from "../files/data-file.js";
import { quoted, refusal } from "../refusal.js";
import type { RowRun, SourceBlock } from "../sources/source.js";
import { BlockBuilder, type FieldSlots } from "./block-builder.js";
import type { ColumnChoice } from "./columns.js";
import { firstRecord } from "./header.js";
import { PlainParser } from "./plain-parser.js";
import { parseQuoted } from "./quoted-parser.js";
import { lineFeed, segments } from "./segments.js";
import type { CsvTable } from "./table.js";

/** The rows of the files, or of a run, by the fast parser as far as it goes and by the thorough one from there to the end of the segment. */
export async function* readBlocks(
  files: readonly DataFile[],
  header: boolean,
  table: CsvTable,
  choices: readonly ColumnChoice[],
  blockRows: number,
  run?: RowRun,
): AsyncGenerator<SourceBlock> {
  const builder = new BlockBuilder(
    2 * table.names.length,
    choices.map((choice) => slotsOf(table, choice)),
    blockRows,
  );
  for (const { file, range, line: firstLine, header: hasHeader } of stretchesOf(files, header, run)) {
    builder.startFile(file);
    const parser = new PlainParser(file, table, builder);
    let line = firstLine;
    let expectsHeader = hasHeader;
    for await (const segment of segments(file, range)) {
      let at = 0;
      if (expectsHeader) {
        const first = firstRecord(file, segment, String.fromCharCode(table.delimiter));
        if (first.cells.length > 0) checkHeader(file, table.names, first.cells);
        expectsHeader = first.cells.length === 0;
        ({ at, line } = first);
      }
      const stop = parser.parse(segment, at, line);
      line = stop.line;
      if (stop.at < segment.length) {
        const rest = segment.subarray(stop.at);
        parseQuoted(rest, file, line, table, builder);
        line += lineFeedsIn(rest);
      }
      yield* builder.take();
    }
  }
  yield* builder.finish();
}

interface Stretch {
  readonly file: DataFile;
  readonly range: ByteRange | undefined;
  readonly line: number;
  readonly header: boolean;
}

function stretchesOf(files: readonly DataFile[], header: boolean, run: RowRun | undefined): readonly Stretch[] {
  if (run === undefined) return files.map((file) => ({ file, range: undefined, line: 1, header }));
  return run.stretches.flatMap(({ file: index, start, end, ...rest }) => {
    const file = files[index];
    return file === undefined ? [] : [{ file, range: { start, end }, ...rest }];
  });
}

function slotsOf({ names, categories }: CsvTable, { columns }: ColumnChoice): FieldSlots {
  return {
    slots: Int32Array.from(columns, (column) => (categories[column] === undefined ? column : names.length + column)),
    names: columns.map((column) => names[column] ?? ""),
  };
}

function checkHeader(file: DataFile, names: readonly string[], found: readonly string[]): void {
  const at = names.findIndex((name, index) => found[index] !== name);
  if (at < 0 && found.length === names.length) return;
  const column = at < 0 ? names.length : at;
  const text =
    `${file.name}: expected the header of the first file, found ${quoted(found[column] ?? "")} instead of ` +
    `${quoted(names[column] ?? "")} as column ${column + 1}.`;
  throw refusal("data.format", text, { details: { file: file.path } });
}

function lineFeedsIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) count++;
  return count;
}
