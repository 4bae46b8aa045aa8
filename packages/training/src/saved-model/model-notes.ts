import { DatasetSpec, Field, GraphClaim, parseInput, sha256Hex, StampedeError } from "@stampede/core";
import * as z from "zod";

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

/** A file of a saved model. `name` is its path in the folder, with slashes. */
const SavedFile = z.strictObject({ name: z.string().min(1), bytes: z.number().int().min(0), sha256: z.string() });
export type SavedFile = z.infer<typeof SavedFile>;

/** The entries that vouch for the others and for the files; folders of earlier versions have none. */
const Seal = z.object({ files: z.array(SavedFile).optional(), notesSha256: z.string().optional() });
const SealedNotes = ModelNotes.extend(Seal.shape);

/** The text of `stampede.json`. */
export function encodeNotes(notes: ModelNotes, files: readonly SavedFile[]): string {
  const rest = { ...notes, files };
  return `${JSON.stringify({ ...rest, notesSha256: sealOf(rest) }, undefined, 2)}\n`;
}

/**
 * @param path of the file, for messages
 * @returns the list of files is undefined where the folder is to be read as it is
 * @throws StampedeError `model.invalid`
 */
export function decodeNotes(
  text: string,
  path: string,
): { readonly notes: ModelNotes; readonly files: readonly SavedFile[] | undefined } {
  const json = parseJson(text, path);
  checkSeal(json, path);
  const sealed = parseInput(SealedNotes, json, { code: "model.invalid", what: path });
  const { files, notesSha256: _, ...notes } = sealed;
  return { notes, files };
}

/** A file that is not what it was when the model was saved; what to do about it is the same for all of them. */
export function notAsSaved(path: string, expected: string, found: string): StampedeError {
  const remedy = `Save the model again or, if the change was meant, remove "files" from its stampede.json: then the folder is read as it is.`;
  const message = `Expected ${path} ${expected}, found ${found}. Nothing was started. ${remedy}`;
  return new StampedeError("model.invalid", message, { details: { path } });
}

/** The seal is of the entries, not of the text: whoever lays the text out in another way, or ends its lines in another, changes nothing. */
function checkSeal(json: unknown, path: string): void {
  if (typeof json !== "object" || json === null || !("files" in json)) return;
  const { notesSha256 = "(none)", ...rest } = json as { readonly files: unknown; readonly notesSha256?: unknown };
  const found = sealOf(rest);
  if (found === notesSha256) return;
  throw notAsSaved(path, `as it was saved (SHA-256 ${String(notesSha256)} of its other entries)`, `other entries`);
}

/** In the spirit of the seal of stored records: it finds damage, and does not protect against forgery. */
function sealOf(rest: object): string {
  return sha256Hex(JSON.stringify(rest));
}

/** More than a model's notes ever are: the categories of its columns are the largest part. */
const maxNotesBytes = 64 * 1024 * 1024;

function parseJson(text: string, path: string): unknown {
  try {
    if (text.length > maxNotesBytes) throw new Error(`larger than ${maxNotesBytes} bytes`);
    return JSON.parse(text);
  } catch (cause) {
    const message = `Expected JSON in ${path}, found something else: ${String(cause)}. Nothing was started.`;
    throw new StampedeError("model.invalid", message, { cause });
  }
}
