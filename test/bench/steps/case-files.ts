import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  bytesPerElement,
  decodeSafetensors,
  encodeSafetensors,
  Field,
  graphNameOf,
  graphNamesFor,
  ModelDefinition,
  tensorOf,
  viewOf,
  type GraphRequest,
  type GraphSource,
  type NamedTensors,
  type PartitionData,
} from "@stampede/core";
import * as z from "zod";
import { stepCases, type CaseName } from "./cases.js";
import { dataOf } from "./data.js";
import { modelOf } from "./models.js";

/** `case.json` of a case's folder. Python reads it too. */
const CaseFile = z.strictObject({
  name: z.string(),
  batchSize: z.number(),
  rows: z.number(),
  /** `file` holds the stored values of all rows, without a header. */
  fields: z.array(z.strictObject({ file: z.string(), field: Field })),
  definition: ModelDefinition,
});

const caseFile = "case.json";
const weightsFile = "weights.safetensors";

/** Model, weights and data of a case, as any process can use them. */
export interface StoredCase {
  readonly definition: ModelDefinition;
  readonly weights: NamedTensors;
  readonly data: PartitionData;
  readonly batchSize: number;
}

/**
 * Writes the case, so that processes of all kinds and languages train the same model on the same rows.
 * @param rows by default the case's own
 * @returns its new folder in `parent`
 */
export async function writeCase(parent: string, name: CaseName, rows = stepCases[name].rows): Promise<string> {
  const folder = join(parent, `${name}-${rows}`);
  await mkdir(folder);
  const { definition, weights } = await modelOf(name);
  const { fields } = dataOf(name, rows);
  const { batchSize } = stepCases[name];
  const stored = fields.map(({ field }) => ({ file: `${field.name}.bin`, field }));
  for (const { field, tensor } of fields) writeFileSync(join(folder, `${field.name}.bin`), tensor.data);
  const contents: z.infer<typeof CaseFile> = { name, batchSize, rows, fields: stored, definition };
  writeFileSync(join(folder, caseFile), JSON.stringify(contents));
  writeFileSync(join(folder, weightsFile), encodeSafetensors(weights));
  return folder;
}

export function readCase(folder: string): StoredCase {
  const contents = CaseFile.parse(JSON.parse(readFileSync(join(folder, caseFile), "utf8")));
  const { batchSize, rows, definition } = contents;
  const fields = contents.fields.map(({ file, field }) => {
    const { buffer, byteOffset, byteLength } = new Uint8Array(readFileSync(join(folder, file)));
    const count = byteLength / bytesPerElement[field.storage];
    return { field, tensor: tensorOf(viewOf(field.storage, buffer, byteOffset, count), [rows, ...field.storedShape]) };
  });
  const { tensors } = decodeSafetensors(new Uint8Array(readFileSync(join(folder, weightsFile))), weightsFile);
  return { definition, weights: tensors, data: { rows, fields }, batchSize };
}

export const graphsFolder = (folder: string): string => join(folder, "graphs");
export const graphFile = (folder: string, name: string): string => join(graphsFolder(folder), `${name}.onnx`);

/** The case's graphs, as an executor gets them with its job; undefined where nobody has compiled it yet. */
export function readGraphs(folder: string): GraphSource | undefined {
  if (!existsSync(graphsFolder(folder))) return undefined;
  const load = async (request: GraphRequest): Promise<Uint8Array> => {
    const files = graphNamesFor(request).map((name) => graphFile(folder, name));
    return new Uint8Array(readFileSync(files.find(existsSync) ?? graphFile(folder, graphNameOf(request))));
  };
  return { load };
}
