import type { FieldSelection } from "@stampede/core";
import type { DataFile } from "../files/data-file.js";
import { quoted, refusal } from "../refusal.js";
import type { RoleSelection } from "../sources/selections.js";
import { unknownName } from "./unknown-name.js";

/** A field's columns by index into the header. */
export interface ColumnChoice {
  readonly columns: readonly number[];
  /** A single `column`, whose rows are single values. */
  readonly single: boolean;
  /** The columns among them that hold text. */
  readonly text: ReadonlySet<number>;
}

/** @throws StampedeError `data.unknown-column`, `job-file.invalid` */
export function chooseColumns(
  file: DataFile,
  names: readonly string[],
  selections: readonly RoleSelection[],
): readonly ColumnChoice[] {
  const explicit = selections.map((selection) => explicitColumns(file, names, selection));
  const ofLabels = new Set(
    explicit.flatMap((columns, index) => (selections[index]?.role === "label" ? (columns ?? []) : [])),
  );
  const others = names.map((_, index) => index).filter((index) => !ofLabels.has(index));
  return selections.map((selection, index) => {
    const columns = explicit[index] ?? others;
    if (columns.length === 0) {
      throw refusal(
        "data.unknown-column",
        `${file.name}: expected columns for ${selection.where}, found none besides the labels'.`,
      );
    }
    return {
      columns,
      single: selection.selection.column !== undefined,
      text: textColumns(file, names, columns, selection),
    };
  });
}

function explicitColumns(
  file: DataFile,
  names: readonly string[],
  { role, where, selection }: RoleSelection,
): readonly number[] | undefined {
  const { column, columns } = selection;
  if (column !== undefined && columns !== undefined) {
    throw refusal("job-file.invalid", `Expected either \`column\` or \`columns\` in ${where}, found both.`);
  }
  if (column !== undefined) return [indexOf(file, names, column)];
  if (columns !== undefined) return columns.flatMap((entry) => rangeOf(file, names, entry));
  if (role === "feature") return undefined;
  throw refusal(
    "job-file.invalid",
    `Expected \`column\` or \`columns\` in ${where} of a data set of format csv, found neither.`,
  );
}

/** `first..last`, both included, or the name of one column. */
function rangeOf(file: DataFile, names: readonly string[], entry: string): readonly number[] {
  const dots = entry.indexOf("..");
  if (names.includes(entry) || dots < 0) return [indexOf(file, names, entry)];
  const first = indexOf(file, names, entry.slice(0, dots));
  const last = indexOf(file, names, entry.slice(dots + 2));
  if (first <= last) return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  throw refusal(
    "job-file.invalid",
    `Expected a range in the order of the header of ${file.name}, found ${quoted(entry)}.`,
  );
}

function indexOf(file: DataFile, names: readonly string[], wanted: string): number {
  const index = names.indexOf(wanted);
  if (index < 0) throw unknownName({ file, what: "column", wanted, names });
  if (names.includes(wanted, index + 1)) {
    throw refusal("data.format", `${file.name}: expected one column ${quoted(wanted)}, found several of this name.`);
  }
  return index;
}

function textColumns(
  file: DataFile,
  names: readonly string[],
  columns: readonly number[],
  { selection }: { readonly selection: FieldSelection },
): ReadonlySet<number> {
  const { categories } = selection;
  if (categories === undefined) return new Set();
  if (categories === true) return new Set(columns);
  const own = columns.map((index) => names[index] ?? "");
  return new Set(categories.map((name) => columns[indexOf(file, own, name)] ?? 0));
}
