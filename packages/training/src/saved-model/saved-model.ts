import {
  resolveMetrics,
  sha256Hex,
  type DatasetSpec,
  type GraphName,
  type JobResult,
  type JobSpec,
  type ModelDefinition,
  type NamedTensors,
  type ObjectStore,
} from "@stampede/core";
import { loadManifest } from "@stampede/data";
import { modelFiles } from "@stampede/runtime";
import { graphClaimsOf, type Graphs } from "../driver/submit.js";
import { storedGraphs } from "../executor/stored-graphs.js";
import { encodeNotes, type ModelNotes, type SavedFile } from "./model-notes.js";
import { readTrained } from "./trained-weights.js";

/** A model as it is saved: what tfjs knows of it, and what it has no place for. */
export interface SavedModel {
  readonly definition: ModelDefinition;
  readonly weights: NamedTensors;
  readonly notes: ModelNotes;
  readonly graphs: Graphs;
}

/** One file of a saved model. `name` is its path in the folder, with slashes. */
export interface ModelFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export const notesFile = "stampede.json";

/**
 * What a training job that has succeeded came to.
 * @param data the training data as the user named it, where it has a name
 * @throws StampedeError `store.missing`, `store.corrupt`
 */
export async function readTrainedModel(
  store: ObjectStore,
  spec: JobSpec,
  result: JobResult,
  data: DatasetSpec | undefined,
): Promise<SavedModel> {
  const { weights, weightsSha256 } = await readTrained(store, spec, result);
  const { fields } = await loadManifest(store, spec.dataset);
  const notes: ModelNotes = {
    version: 1,
    job: spec.job,
    name: spec.name,
    trainedAt: new Date(result.endedAt).toISOString(),
    fields: [...fields],
    ...(data && { data }),
    rounds: result.round,
    metrics: resolveMetrics(result.metrics),
    ...(result.validation && { validation: resolveMetrics(result.validation) }),
    weightsSha256,
  };
  return { definition: spec.model, weights, notes, graphs: await graphsToSave(store, spec) };
}

/** The files stock tfjs loads, the graphs, and last the notes, which vouch for the others. */
export function savedModelFiles({ definition, weights, notes, graphs }: SavedModel): readonly ModelFile[] {
  const files = [
    ...Object.entries(modelFiles(definition, weights)).map(([name, bytes]) => ({ name, bytes })),
    ...[...graphs].map(([name, bytes]) => ({ name: graphFile(name), bytes })),
  ];
  const listed = files.map(({ name, bytes }): SavedFile => ({
    name,
    bytes: bytes.byteLength,
    sha256: sha256Hex(bytes),
  }));
  const claims = graphs.size > 0 && { graphs: graphClaimsOf(graphs) };
  const text = encodeNotes({ ...notes, ...claims }, listed);
  return [...files, { name: notesFile, bytes: new TextEncoder().encode(text) }];
}

export function graphFile(name: GraphName): string {
  return `graphs/${name}.onnx`;
}

/**
 * Models with parts of the user's own can be compiled only where they are defined. So their training jobs compile what evaluating and
 * predicting will need too, and it is saved with the model.
 */
export const savedKinds = ["evaluate", "predict"] as const;

/** The graphs of a training job that are to be saved with its model. */
async function graphsToSave(store: ObjectStore, spec: JobSpec): Promise<Graphs> {
  const saved = new Map<GraphName, Uint8Array>();
  const claimed = (spec.graphs ?? []).map(({ name }) => name);
  // Only jobs whose model cannot be compiled anew have one to predict with.
  if (!claimed.includes("predict")) return saved;
  const source = storedGraphs(spec, store);
  for (const kind of savedKinds) if (claimed.includes(kind)) saved.set(kind, await source.load({ kind, fields: [] }));
  return saved;
}
