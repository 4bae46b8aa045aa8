import { ratioOf } from "./compare.js";
import type { CaseResult } from "./run-case.js";

const begin = "<!-- differences:begin -->";
const end = "<!-- differences:end -->";
const head = ["case", "largest difference", "moved", "ratio", "nodes", "bytes"] as const;

/** One row of the table, as text. */
export type Row = Readonly<Record<(typeof head)[number], string>>;

/** The rows of the table between the document's marks. */
export function readRows(document: string): readonly Row[] {
  return linesOf(document)
    .filter(isTableLine)
    .slice(2)
    .map((line) => {
      const cells = line.split("|").slice(1, -1);
      return Object.fromEntries(head.map((name, index) => [name, cells[index]?.trim() ?? ""])) as Row;
    });
}

/** The document with another table; what else stands between the marks stays. */
export function withTable(document: string, results: readonly CaseResult[]): string {
  const table = format(results.map(rowOf));
  const lines = linesOf(document);
  const from = lines.findIndex(isTableLine);
  const others = lines.filter((line) => !isTableLine(line));
  const whole = from < 0 ? ["", ...table, ""] : others.toSpliced(from, 0, ...table);
  const [before, after] = [document.indexOf(begin) + begin.length, document.indexOf(end)];
  return `${document.slice(0, before)}${whole.join("\n")}${document.slice(after)}`;
}

function isTableLine(line: string): boolean {
  return line.startsWith("|");
}

function linesOf(document: string): readonly string[] {
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`a document without ${begin} and ${end}`);
  return document.slice(from + begin.length, to).split("\n");
}

function rowOf({ name, weights, nodes, bytes }: CaseResult): Row {
  return {
    case: name,
    "largest difference": weights.difference.toExponential(0),
    moved: weights.scale.toExponential(0),
    ratio: ratioOf(weights).toExponential(1),
    nodes: String(nodes),
    bytes: bytes.toLocaleString("en"),
  };
}

/** As oxfmt writes tables: columns of even width. */
function format(rows: readonly Row[]): readonly string[] {
  const widths = head.map((name) => Math.max(name.length, ...rows.map((row) => row[name].length)));
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const pad = (row: Row, index: number): string => {
    const [name, width] = [head[index] ?? "case", widths[index] ?? 0];
    return index === 0 ? row[name].padEnd(width) : row[name].padStart(width);
  };
  return [
    line(
      head.map((name, index) => (index === 0 ? name.padEnd(widths[index] ?? 0) : name.padStart(widths[index] ?? 0))),
    ),
    line(widths.map((width, index) => (index === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`))),
    ...rows.map((row) => line(head.map((_, index) => pad(row, index)))),
  ];
}
