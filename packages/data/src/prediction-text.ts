import { sizeOf, StampedeError, type Field, type Tensor } from "@stampede/core";

/** Files that predictions can be written as. */
export type PredictionFormat = "csv" | "jsonl" | "npy";

/**
 * The bytes of a file with one line or row for each row of the data, in its order: its number, the values of every output and, where an
 * output is a distribution over classes, the likeliest class by its name.
 *
 * @throws StampedeError `option.invalid` for several outputs as one array
 */
export function* predictionChunks(
  format: PredictionFormat,
  outputs: readonly Tensor[],
  labels: readonly Field[],
): Generator<Uint8Array> {
  if (format === "npy") {
    yield* npyOf(outputs);
    return;
  }
  const columns = outputs.map((output, index) => columnsOf(output, index, labels[index], outputs.length > 1));
  const encoder = new TextEncoder();
  if (format === "csv") yield encoder.encode(`${headerOf(columns).map(csvCell).join(",")}\n`);
  const rows = outputs[0]?.shape[0] ?? 0;
  const lineOf = format === "csv" ? csvLine : jsonLine;
  for (let from = 0; from < rows; from += linesAtOnce) {
    const count = Math.min(linesAtOnce, rows - from);
    const lines = Array.from({ length: count }, (_, index) => lineOf(from + index, columns));
    yield encoder.encode(lines.join(""));
  }
}

const linesAtOnce = 1000;

interface Columns {
  readonly prefix: string;
  readonly width: number;
  readonly data: Tensor["data"];
  /** Of a distribution over classes: their names, or their numbers as text. */
  readonly classes: readonly string[] | undefined;
}

function columnsOf({ shape, data }: Tensor, index: number, label: Field | undefined, several: boolean): Columns {
  const width = sizeOf(shape.slice(1));
  const encoding = label?.encoding;
  const isDistribution = encoding?.kind === "oneHot" || encoding?.kind === "classIndex";
  const names = Array.from({ length: width }, (_, at) => String(at));
  const categories = isDistribution ? encoding.categories : undefined;
  const classes = isDistribution && width > 1 ? (categories?.length === width ? categories : names) : undefined;
  return { prefix: several ? `output${index}.` : "", width, data, classes };
}

function headerOf(columns: readonly Columns[]): readonly string[] {
  const names = columns.flatMap(({ prefix, width, classes }) => {
    const values = Array.from(
      { length: width },
      (_, at) => `${prefix}${classes?.[at] ?? (width === 1 ? "value" : at)}`,
    );
    return classes === undefined ? values : [`${prefix}predicted`, ...values];
  });
  return ["row", ...names];
}

function csvLine(row: number, columns: readonly Columns[]): string {
  const cells = columns.flatMap((column) => {
    const values = valuesOf(column, row).map(String);
    const predicted = predictedIn(column, row);
    return predicted === undefined ? values : [csvCell(predicted), ...values];
  });
  return `${[row, ...cells].join(",")}\n`;
}

function jsonLine(row: number, columns: readonly Columns[]): string {
  const outputs = columns.map((column) => {
    const predicted = predictedIn(column, row);
    return { ...(predicted !== undefined && { predicted }), values: valuesOf(column, row) };
  });
  const [only] = outputs;
  return `${JSON.stringify({ row, ...(outputs.length === 1 ? only : { outputs }) })}\n`;
}

function valuesOf({ data, width }: Columns, row: number): number[] {
  return Array.from(data.subarray(row * width, (row + 1) * width));
}

function predictedIn(column: Columns, row: number): string | undefined {
  if (column.classes === undefined) return undefined;
  const values = valuesOf(column, row);
  return column.classes[values.indexOf(Math.max(...values))];
}

function csvCell(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** NPY version 1.0: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html; the header ends at a multiple of 64. */
function* npyOf(outputs: readonly Tensor[]): Generator<Uint8Array> {
  const [output] = outputs;
  if (output === undefined || outputs.length > 1) {
    const message = `Expected one output for an .npy file, found ${outputs.length}; write .csv or .jsonl instead.`;
    throw new StampedeError("option.invalid", message);
  }
  const { shape, data } = output;
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  const padding = 64 - ((10 + text.length + 1) % 64);
  const header = Buffer.from(`\x93NUMPY\x01\x00\0\0${text}${" ".repeat(padding)}\n`, "latin1");
  header.writeUInt16LE(header.length - 10, 8);
  yield header;
  yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
