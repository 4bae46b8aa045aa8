import type { DatasetSpec, Encoding, Field, FieldSelection } from "@stampede/core";
import { chooseColumns, type ColumnChoice } from "../csv/columns.js";
import { readNames } from "../csv/header.js";
import { readBlocks } from "../csv/read-blocks.js";
import { asFloat32, asFloat64, notWanted, type CsvTable } from "../csv/table.js";
import { CategoryTable } from "../fields/category-table.js";
import { dataFiles, type DataFile, type FilePlace } from "../files/data-file.js";
import { assertUnchanged, fingerprint, type Fingerprint } from "../files/fingerprint.js";
import { quoted, refusal } from "../refusal.js";
import { listSelections, optionsOf, refuseSettings, type RoleSelection } from "./selections.js";
import type { OpenSource, Source, SourceField } from "./source.js";

type CsvSpec = Extract<DatasetSpec, { format: "csv" }>;

/**
 * CSV: one file, or several that follow each other, each with its header.
 *
 * @param known the fields of the training data, whose columns and categories hold here too
 */
export function csvSource(spec: CsvSpec, place: FilePlace, known: readonly Field[] = []): Source {
  const files = dataFiles(spec.file, place);
  const selections = listSelections(spec.features ?? featuresOf(known), spec.labels);
  for (const selection of selections) refuseSettings(selection, "csv", ["file", "array"]);
  checkDelimiter(spec.delimiter);
  const prints: Fingerprint[] = [];
  const identityOf = (hashes: readonly string[]): unknown => ({
    format: "csv",
    files: hashes,
    delimiter: spec.delimiter,
    header: spec.header,
    fields: selections.map(({ role, selection }) => ({ role, ...selection })),
  });
  return {
    name: files.map(({ name }) => name).join(", "),
    files,
    async identify(signal) {
      prints.length = 0;
      for (const file of files) prints.push(await fingerprint(file, signal));
      return identityOf(prints.map(({ sha256 }) => sha256));
    },
    identityOf,
    open: () => openCsv(spec, files, selections, known),
    async assertUnchanged() {
      for (const print of prints) await assertUnchanged(print);
    },
  };
}

/** By default the features are all columns but the labels' or, after training, the columns trained on. */
function featuresOf(known: readonly Field[]): { columns?: string[] }[] | { columns?: string[] } {
  const features = known.filter(({ role }) => role === "feature");
  const selections = features.map(({ columns }) => (columns === undefined ? {} : { columns }));
  return selections.length === 0 ? {} : selections;
}

function checkDelimiter(delimiter: string): void {
  if (/^[\t -~]$/.test(delimiter) && delimiter !== '"') return;
  throw refusal(
    "job-file.invalid",
    `Expected an ASCII character other than a quote as delimiter, found ${quoted(delimiter)}.`,
  );
}

async function openCsv(
  spec: CsvSpec,
  files: readonly DataFile[],
  selections: readonly RoleSelection[],
  known: readonly Field[],
): Promise<OpenSource> {
  const [file] = files;
  if (file === undefined) throw refusal("data.empty", "Expected at least one CSV file.");
  const names = await readNames(file, spec.delimiter, spec.header);
  const choices = chooseColumns(file, names, selections);
  const trained = selections.map((_, index) => trainedField(selections, index, known));
  const categories = tablesOf(names, choices, trained);
  const numbers = new Uint8Array(names.length).fill(notWanted);
  for (const [index, { columns }] of choices.entries()) {
    const precision = holdsClasses(selections[index]?.selection, trained[index]) ? asFloat64 : asFloat32;
    for (const column of columns) {
      if (categories[column] === undefined) numbers[column] = Math.max(numbers[column] ?? notWanted, precision);
    }
  }
  const table: CsvTable = { delimiter: spec.delimiter.charCodeAt(0), names, numbers, categories };
  const fields = choices.map((choice, index) => fieldOf(table, choice, selections[index]));
  return {
    fields,
    rows: undefined,
    blocks: (blockRows, run) => readBlocks(files, spec.header, table, choices, blockRows, run),
  };
}

/** The field of the training data that stands at the same place among its features or labels. */
function trainedField(selections: readonly RoleSelection[], index: number, known: readonly Field[]): Field | undefined {
  const role = selections[index]?.role;
  const position = selections.slice(0, index).filter((selection) => selection.role === role).length;
  return known.filter((field) => field.role === role)[position];
}

function holdsClasses(selection: FieldSelection | undefined, trained: Field | undefined): boolean {
  if (trained !== undefined) return trained.encoding.kind === "oneHot" || trained.encoding.kind === "classIndex";
  return selection?.classes !== undefined || (selection?.oneHot ?? false) !== false;
}

function fieldOf(
  table: CsvTable,
  { columns, single }: ColumnChoice,
  selection: RoleSelection | undefined,
): SourceField {
  return {
    role: selection?.role ?? "feature",
    dtype: "float64",
    rowShape: single ? [] : [columns.length],
    options: optionsOf(selection?.selection ?? {}),
    columns: columns.map((column) => {
      const categories = table.categories[column];
      const name = table.names[column] ?? "";
      return categories === undefined ? { name } : { name, categories };
    }),
  };
}

/** The category tables by column: those of the training data, closed, or new ones where the selection asks for them. */
function tablesOf(
  names: readonly string[],
  choices: readonly ColumnChoice[],
  trained: readonly (Field | undefined)[],
): readonly (CategoryTable | undefined)[] {
  const tables: (CategoryTable | undefined)[] = names.map(() => undefined);
  for (const [index, { columns, text }] of choices.entries()) {
    const encoding = trained[index]?.encoding;
    for (const [element, column] of columns.entries()) {
      const texts = encoding === undefined ? undefined : textsOf(encoding, element);
      if (texts !== undefined) tables[column] ??= new CategoryTable(texts);
      else if (encoding === undefined && text.has(column)) tables[column] ??= new CategoryTable();
    }
  }
  return tables;
}

function textsOf(encoding: Encoding, element: number): readonly string[] | undefined {
  if (encoding.kind === "affine") return undefined;
  if (encoding.kind !== "columns") return encoding.categories;
  const column = encoding.columns[element];
  return column?.kind === "oneHot" ? column.categories : undefined;
}
