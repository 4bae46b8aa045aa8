import { extname } from "node:path";
import { StampedeError, type Field, type Tensor } from "@stampede/core";
import { predictionChunks, type PredictionFormat } from "@stampede/data";
import { writeWholeFile } from "./output.js";

const formats = { ".csv": "csv", ".jsonl": "jsonl", ".npy": "npy" } as const;

/** @throws StampedeError `option.invalid` for a file ending that is no format */
export function predictionFormat(path: string): PredictionFormat {
  const ending = extname(path).toLowerCase();
  for (const [known, format] of Object.entries(formats)) if (known === ending) return format;
  const message = `Expected an output file ending in ${Object.keys(formats).join(", ")}; found ${JSON.stringify(path)}. Nothing was started.`;
  throw new StampedeError("option.invalid", message);
}

/**
 * Writes one line or row for each row of the data, in its order: its number, the values of every output and, where an output is
 * a distribution over classes, the likeliest class by its name.
 */
export async function writePredictions(
  path: string,
  outputs: readonly Tensor[],
  labels: readonly Field[],
  overwrite: boolean,
): Promise<void> {
  const format = predictionFormat(path);
  await writeWholeFile(path, overwrite, async (append) => {
    for (const chunk of predictionChunks(format, outputs, labels)) await append(chunk);
  });
}
