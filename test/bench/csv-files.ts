import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { uniformStream, type DatasetSpecInput } from "@stampede/core";

const numberColumns = 20;
const blockLines = 20_000;
const places = ["Berlin, Mitte", 'the "old" town', "Paris", "São Paulo, Sé"] as const;
const classes = 10;

/** `x0 ... x19, label`: plain numbers of the usual four decimals, about 160 bytes a row. */
export function writeNumbersCsv(path: string, rows: number): Promise<void> {
  const random = uniformStream(1);
  const header = `${columnNames().join(",")},label`;
  return writeLines(path, header, rows, () => {
    let line = "";
    for (let i = 0; i < numberColumns; i++) line += `${numberText(random())},`;
    return line + Math.floor(random() * classes);
  });
}

/** `x0 ... x19, place, label`: every cell in quotes, and a text column with commas and doubled quotes inside. */
export function writeQuotedCsv(path: string, rows: number): Promise<void> {
  const random = uniformStream(2);
  const header = `${columnNames().join(",")},place,label`;
  return writeLines(path, header, rows, () => {
    let line = "";
    for (let i = 0; i < numberColumns; i++) line += `"${numberText(random())}",`;
    const place = places[Math.floor(random() * places.length)] ?? "";
    return `${line}"${place.replaceAll('"', '""')}","${Math.floor(random() * classes)}"`;
  });
}

/** Columns that both kinds of file have. */
export function columnsOfCsv(file: string): DatasetSpecInput {
  return {
    format: "csv",
    file,
    features: { columns: [`x0..x${numberColumns - 1}`] },
    labels: { column: "label", oneHot: classes },
  };
}

const columnNames = (): string[] => Array.from({ length: numberColumns }, (_, i) => `x${i}`);

/** -100.0000 ... 100.0000 */
const numberText = (unit: number): string => String(Math.round((unit - 0.5) * 2_000_000) / 10_000);

/** `rows` lines, in blocks that repeat: enough lines to look random to a parser, few enough to be made quickly. */
async function writeLines(path: string, header: string, rows: number, line: () => string): Promise<void> {
  const block = Array.from({ length: Math.min(rows, blockLines) }, () => `${line()}\n`);
  const whole = block.join("");
  const chunks = function* (): Generator<string> {
    yield `${header}\n`;
    for (let written = 0; written < rows; written += blockLines) {
      const left = rows - written;
      yield left < blockLines ? block.slice(0, left).join("") : whole;
    }
  };
  await pipeline(Readable.from(chunks()), createWriteStream(path));
}
