import type { RowIndex, StretchCount } from "@stampede/core";
import { openRange } from "../files/byte-reader.js";
import type { DataFile } from "../files/data-file.js";
import { markLength } from "../csv/segments.js";
import type { CsvStretch } from "../sources/source.js";
import { CsvScanner } from "./csv-scanner.js";
import type { FileCut } from "./cuts.js";
import type { RowRange } from "./layout.js";

const chunkBytes = 1024 * 1024;
/** What a scanner has to know of the text before. */
const lookBack = 2;

/** Counts one stretch of a file. @throws StampedeError `data.not-readable`, `data.format` */
export async function countStretch(file: DataFile, { start, end, last }: Omit<FileCut, "file">): Promise<StretchCount> {
  const scanner = await scanFrom(file, start, end);
  if (last) scanner.finish();
  const { records, lineFeeds, flips } = scanner;
  return { records: [...records], lineFeeds, flips };
}

type Wanted = Parameters<CsvScanner["scan"]>[1];

async function scanFrom(
  file: DataFile,
  start: number,
  end: number,
  wanted?: Wanted,
  found?: (position: number) => void,
): Promise<CsvScanner> {
  const from = Math.max(0, start - lookBack);
  const reader = await openRange(file, { start: from, end });
  try {
    const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, Math.max(1, end - from)));
    let filled = await reader.read(chunk);
    let skip = start === 0 ? markLength(file, chunk.subarray(0, filled)) : start - from;
    const scanner = new CsvScanner(start === 0 ? undefined : chunk.subarray(0, skip));
    for (let position = from; filled > 0; filled = await reader.read(chunk)) {
      const stop = scanner.scan(chunk.subarray(skip, filled), wanted);
      if (stop >= 0) {
        found?.(position + skip + stop);
        break;
      }
      position += filled;
      skip = 0;
    }
    return scanner;
  } finally {
    await reader.close();
  }
}

/** Puts the counts of a file's stretches, in order, together: from the first on it is known what is inside of quotes. */
export function indexOf(stretches: readonly { readonly start: number; readonly count: StretchCount }[]): RowIndex {
  const index: RowIndex = { at: [], inQuotes: [], records: [], lineFeeds: [] };
  let inQuotes = false;
  let records = 0;
  let lineFeeds = 0;
  const note = (at: number): void => {
    index.at.push(at);
    index.inQuotes.push(inQuotes);
    index.records.push(records);
    index.lineFeeds.push(lineFeeds);
  };
  for (const { start, count } of stretches) {
    note(start);
    records += count.records[inQuotes ? 1 : 0];
    lineFeeds += count.lineFeeds;
    if (count.flips) inQuotes = !inQuotes;
  }
  note(Number.MAX_SAFE_INTEGER);
  return index;
}

/** The rows of a file, without its header. */
export function rowsOfFile({ records }: RowIndex, header: boolean): number {
  return Math.max(0, (records.at(-1) ?? 0) - (header ? 1 : 0));
}

/** Where the rows of a run lie: a stretch of each file that has some of them. */
export async function stretchesOfRun(
  files: readonly (DataFile & { readonly bytes: number })[],
  indexes: readonly RowIndex[],
  header: boolean,
  run: RowRange,
): Promise<readonly CsvStretch[]> {
  const stretches: CsvStretch[] = [];
  let before = 0;
  for (const [file, index] of indexes.entries()) {
    const opened = files[file];
    const rows = rowsOfFile(index, header);
    const start = Math.max(0, run.start - before);
    const end = Math.min(rows, run.end - before);
    before += rows;
    if (opened === undefined || start >= end) continue;
    const first = start === 0 ? { at: 0, line: 1 } : await startOf(opened, index, start + (header ? 1 : 0));
    const next = end === rows ? opened.bytes : (await startOf(opened, index, end + (header ? 1 : 0))).at;
    stretches.push({ file, start: first.at, end: next, line: first.line, header: header && start === 0 });
  }
  return stretches;
}

/** Where record `record` (the file's first is 0; not that one) begins: behind the end of the one before. */
async function startOf(
  file: DataFile & { readonly bytes: number },
  { at, inQuotes, records, lineFeeds }: RowIndex,
  record: number,
): Promise<{ readonly at: number; readonly line: number }> {
  const place = records.findLastIndex((known) => known < record);
  const from = at[place] ?? 0;
  const wanted = {
    records: record - (records[place] ?? 0),
    inQuotes: inQuotes[place] === true ? (1 as const) : (0 as const),
  };
  let position = file.bytes;
  const scanner = await scanFrom(file, from, Math.min(file.bytes, at[place + 1] ?? file.bytes), wanted, (found) => {
    position = found;
  });
  return { at: position, line: (lineFeeds[place] ?? 0) + scanner.lineFeeds + 1 };
}
