import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import {
  DatasetSpec,
  Field,
  GraphClaim,
  isStampedeError,
  parseInput,
  sha256Hex,
  StampedeError,
  type GraphName,
  type ModelDefinition,
  type NamedTensors,
} from "@stampede/core";
import { modelFiles, readModelFiles } from "@stampede/runtime";
import { graphClaimsOf, type Graphs } from "@stampede/training";
import * as z from "zod";
import { checkOutput } from "./output.js";

/** What `stampede.json` keeps beside the model: everything that inference needs and tfjs' format has no place for. */
export const ModelNotes = z.strictObject({
  version: z.literal(1),
  job: z.string(),
  name: z.string(),
  trainedAt: z.iso.datetime(),
  /** How raw values become the model's inputs and labels: statistics, categories, class names. */
  fields: z.array(Field),
  /** The training data as the user named it; absent when it was in memory. */
  data: DatasetSpec.optional(),
  rounds: z.number().int().min(0),
  metrics: z.record(z.string(), z.number()),
  validation: z.record(z.string(), z.number()).optional(),
  weightsSha256: z.string(),
  /** Of a model with parts of the user's own: the files `graphs/<name>.onnx`, which evaluate and predict without their code. */
  graphs: z.array(GraphClaim).optional(),
});
export type ModelNotes = z.infer<typeof ModelNotes>;

export interface SavedModel {
  readonly definition: ModelDefinition;
  readonly weights: NamedTensors;
  readonly notes: ModelNotes;
  readonly graphs: Graphs;
}

const notesFile = "stampede.json";
const graphsFolder = "graphs";
const maxNotesBytes = 64 * 1024 * 1024;

/** Writes the files stock tfjs loads, and the notes. The folder appears whole or not at all. */
export async function writeModelFolder(folder: string, saved: SavedModel, overwrite: boolean): Promise<string> {
  const target = resolve(folder);
  await mkdir(dirname(target), { recursive: true });
  const draft = join(dirname(target), `.${basename(target)}-${randomBytes(6).toString("hex")}`);
  // Not mkdtemp: its folders are for their owner alone, and this one becomes the model's.
  await mkdir(draft);
  try {
    const files = modelFiles(saved.definition, saved.weights);
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(draft, name), bytes);
    await writeGraphs(join(draft, graphsFolder), saved.graphs);
    const notes = { ...saved.notes, ...(saved.graphs.size > 0 && { graphs: graphClaimsOf(saved.graphs) }) };
    await writeFile(join(draft, notesFile), `${JSON.stringify(notes, undefined, 2)}\n`);
    await checkOutput(target, { overwrite, existsCode: "model.exists" });
    await rm(target, { recursive: true, force: true });
    await rename(draft, target);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return target;
}

/** @throws StampedeError `model.not-readable`, `model.invalid` */
export async function readModelFolder(folder: string): Promise<SavedModel> {
  const read = (name: string): Promise<Uint8Array> => readPart(folder, name);
  const { definition, weights } = await readModelFiles(read).catch((error: unknown) => {
    throw isStampedeError(error)
      ? new StampedeError(error.code, `${folder}: ${error.message}`, { cause: error })
      : error;
  });
  const text = new TextDecoder().decode(await read(notesFile));
  const notes = parseInput(ModelNotes, parseJson(text, join(folder, notesFile)), {
    code: "model.invalid",
    what: join(folder, notesFile),
  });
  return { definition, weights, notes, graphs: await readGraphs(notes.graphs ?? [], folder, read) };
}

async function writeGraphs(folder: string, graphs: Graphs): Promise<void> {
  if (graphs.size > 0) await mkdir(folder);
  for (const [name, bytes] of graphs) await writeFile(join(folder, `${name}.onnx`), bytes);
}

async function readGraphs(
  claims: readonly GraphClaim[],
  folder: string,
  read: (name: string) => Promise<Uint8Array>,
): Promise<Graphs> {
  const graphs = new Map<GraphName, Uint8Array>();
  for (const { name, sha256 } of claims) {
    const file = join(graphsFolder, `${name}.onnx`);
    const bytes = await read(file);
    if (sha256Hex(bytes) !== sha256) {
      const message = `Expected ${join(folder, file)} as it was saved (SHA-256 ${sha256}), found other bytes. Nothing was started.`;
      throw new StampedeError("graph.invalid", message, { details: { path: join(folder, file) } });
    }
    graphs.set(name, bytes);
  }
  return graphs;
}

async function readPart(folder: string, name: string): Promise<Uint8Array> {
  const path = join(folder, name);
  try {
    return await readFile(path);
  } catch (cause) {
    const message = `Expected a model folder with ${name}, but ${path} cannot be read. Nothing was started.`;
    throw new StampedeError("model.not-readable", message, { details: { path }, cause });
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    if (text.length > maxNotesBytes) throw new Error(`larger than ${maxNotesBytes} bytes`);
    return JSON.parse(text);
  } catch (cause) {
    const message = `Expected JSON in ${path}, found something else: ${String(cause)}. Nothing was started.`;
    throw new StampedeError("model.invalid", message, { cause });
  }
}
