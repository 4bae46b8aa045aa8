import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import {
  hashTensors,
  sha256Hex,
  StampedeError,
  type GraphClaim,
  type GraphName,
  type NamedTensors,
} from "@stampede/core";
import { readModelFiles } from "@stampede/runtime";
import type { Graphs } from "@stampede/training";
import {
  decodeNotes,
  graphFile,
  notAsSaved,
  notesFile,
  savedModelFiles,
  type ModelNotes,
  type SavedFile,
  type SavedModel,
} from "@stampede/training/saved-model";
import { draftBeside, sweepDrafts } from "./drafts.js";
import { untar } from "./http/untar.js";
import { namingModel } from "./naming-model.js";
import { asOutput, checkOutput, notSaved } from "./output.js";

/**
 * Writes the files stock tfjs loads, and the notes. The folder appears whole or not at all.
 * @throws StampedeError `model.exists`, `output.full`, `output.not-writable`
 */
export async function writeModelFolder(folder: string, saved: SavedModel, overwrite: boolean): Promise<string> {
  return placeFolder(folder, overwrite, async (draft) => {
    await writeFiles(draft, new Map(savedModelFiles(saved).map(({ name, bytes }) => [name, bytes])));
  });
}

/**
 * Writes a model that comes as an archive, and makes sure that it is whole before it appears.
 * @throws StampedeError `model.invalid` for another archive, and as `writeModelFolder` and `readModelFolder`
 */
export async function writeArchivedModel(folder: string, archive: Uint8Array, overwrite: boolean): Promise<string> {
  const files = untar(archive);
  return placeFolder(folder, overwrite, async (draft) => {
    await writeFiles(draft, files);
    await readModelFolder(draft);
  });
}

async function placeFolder(
  folder: string,
  overwrite: boolean,
  write: (draft: string) => Promise<void>,
): Promise<string> {
  const target = resolve(folder);
  await asOutput(target, async () => {
    await mkdir(dirname(target), { recursive: true });
    await sweepDrafts(target);
    const draft = draftBeside(target);
    // Not mkdtemp: its folders are for their owner alone, and this one becomes the model's.
    await mkdir(draft);
    try {
      await write(draft);
      await checkOutput(target, { overwrite, existsCode: "model.exists", outcome: notSaved });
      await rm(target, { recursive: true, force: true });
      await rename(draft, target);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  });
  return target;
}

async function writeFiles(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const [name, bytes] of files) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
}

/**
 * Reads a saved model, and makes sure that it is the one that was saved: a model whose weights lost a bit computes other figures without
 * a word. Folders whose notes have no list of files are read as they are: older ones, and those that somebody changed and said so.
 *
 * @throws StampedeError `model.not-readable`, `model.invalid`, `model.unsupported`, `graph.invalid`
 */
export async function readModelFolder(folder: string): Promise<SavedModel> {
  const text = new TextDecoder().decode(await readPart(folder, notesFile));
  const { notes, files } = decodeNotes(text, join(folder, notesFile));
  const read = async (name: string): Promise<Uint8Array> => {
    const bytes = await readPart(folder, name);
    if (files !== undefined) checkFile(files, { folder, name, bytes });
    return bytes;
  };
  const { definition, weights } = await namingModel(folder, () => readModelFiles(read));
  if (files !== undefined) checkWeights(folder, weights, notes);
  return { definition, weights, notes, graphs: await readGraphs(notes.graphs ?? [], folder, read) };
}

function checkFile(
  files: readonly SavedFile[],
  { folder, name, bytes }: { readonly folder: string; readonly name: string; readonly bytes: Uint8Array },
): void {
  const saved = files.find((file) => file.name === name);
  const path = join(folder, name);
  if (saved === undefined) throw notAsSaved(path, `among the files that ${notesFile} lists`, "it is not");
  if (bytes.byteLength === saved.bytes && sha256Hex(bytes) === saved.sha256) return;
  const size = bytes.byteLength === saved.bytes ? "" : `, ${bytes.byteLength} instead of ${saved.bytes}`;
  throw notAsSaved(path, `as it was saved (SHA-256 ${saved.sha256})`, `other bytes${size}`);
}

/** The files are as they were saved; this says that they were saved with the weights that the job has told of. */
function checkWeights(folder: string, weights: NamedTensors, { weightsSha256 }: ModelNotes): void {
  const found = hashTensors(weights);
  if (found === weightsSha256) return;
  throw notAsSaved(folder, `to hold the weights that ${notesFile} speaks of (SHA-256 ${weightsSha256})`, found);
}

async function readGraphs(
  claims: readonly GraphClaim[],
  folder: string,
  read: (name: string) => Promise<Uint8Array>,
): Promise<Graphs> {
  const graphs = new Map<GraphName, Uint8Array>();
  for (const { name, sha256 } of claims) {
    const file = graphFile(name);
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
