import type { DataFile } from "../files/data-file.js";
import { refusal } from "../refusal.js";
import { lineBreakAt } from "./plain-parser.js";
import { forEachRecord } from "./quoted-parser.js";
import { lineFeed, quoteMark, segments } from "./segments.js";

/** The first record of a file, and where the next one starts. */
export interface FirstRecord {
  readonly cells: readonly string[];
  /** Position in the first segment, and line, of what follows. */
  readonly at: number;
  readonly line: number;
}

/** The first record of a file's first segment, after empty lines. */
export function firstRecord(file: DataFile, segment: Buffer, delimiter: string): FirstRecord {
  let at = 0;
  let line = 1;
  for (let next = lineBreakAt(segment, at); next > 0; next = lineBreakAt(segment, at)) {
    at = next;
    line++;
  }
  const end = endOfRecord(segment, at);
  let cells: readonly string[] = [];
  forEachRecord(segment.subarray(at, end), { file, line }, delimiter, (found) => {
    cells = found;
  });
  const lines = segment.subarray(at, end).filter((byte) => byte === lineFeed).length;
  return { cells, at: end, line: line + lines };
}

/** The names of the columns, from the header or else 0, 1, 2, ... @throws StampedeError `data.empty`, `data.format` */
export async function readNames(file: DataFile, delimiter: string, header: boolean): Promise<readonly string[]> {
  for await (const segment of segments(file)) {
    const { cells } = firstRecord(file, segment, delimiter);
    if (cells.length === 0) continue;
    return header ? cells : cells.map((_, index) => String(index));
  }
  throw refusal("data.empty", `${file.name}: expected ${header ? "a header and rows" : "rows"}, found an empty file.`, {
    details: { file: file.path },
  });
}

function endOfRecord(bytes: Buffer, start: number): number {
  let inQuotes = false;
  for (let at = start; at < bytes.length; at++) {
    if (bytes[at] === quoteMark) inQuotes = !inQuotes;
    else if (bytes[at] === lineFeed && !inQuotes) return at + 1;
  }
  return bytes.length;
}
