import { StampedeError, type Field, type GraphName, type JobSpec, type ObjectStore } from "@stampede/core";
import type { ShardedSet } from "@stampede/data";
import { chooseCompute } from "@stampede/runtime";
import { storedGraphs, type Graphs } from "@stampede/training";
import { engineOf, sameFields, type JobEngine } from "@stampede/training/prepare";
import type { InferencePlan } from "./inference.js";
import type { Capacity } from "./types.js";

/**
 * Models with parts of the user's own can be compiled only where they are defined. So their training jobs compile what evaluating and
 * predicting will need too, and it is saved with the model.
 */
const savedKinds = ["evaluate", "predict"] as const;

/** The graphs of a training job that are to be saved with its model. */
export async function graphsToSave(store: ObjectStore, spec: JobSpec): Promise<Graphs> {
  const saved = new Map<GraphName, Uint8Array>();
  const claimed = (spec.graphs ?? []).map(({ name }) => name);
  // Only jobs whose model cannot be compiled anew have one to predict with.
  if (!claimed.includes("predict")) return saved;
  const source = storedGraphs(spec, store);
  for (const kind of savedKinds) if (claimed.includes(kind)) saved.set(kind, await source.load({ kind, fields: [] }));
  return saved;
}

/**
 * The engine of a job with a model that was saved with graphs; undefined for any other.
 * @throws StampedeError `model.data-mismatch` when the data was prepared in another way than the graph expects
 */
export function planSaved(
  kind: (typeof savedKinds)[number],
  { graphs, fields = [], engine }: Pick<InferencePlan, "graphs" | "fields" | "engine">,
  { manifest }: ShardedSet,
  { cores, executors }: Capacity,
): JobEngine | undefined {
  const graph = graphs?.get(kind);
  if (graph === undefined || (engine !== undefined && engine !== "compiled")) return undefined;
  const used = (all: readonly Field[]): readonly Field[] =>
    all.filter(({ role }) => kind === "evaluate" || role === "feature");
  if (!sameFields(used(manifest.fields), used(fields))) throw otherFields(kind);
  const compute = chooseCompute({ cores, executors: Math.min(executors, manifest.parts.length), flopsPerBatch: 0 });
  return engineOf({ engine: "compiled", compute, graphs: new Map([[kind, graph]]) });
}

function otherFields(kind: string): StampedeError {
  const message =
    `Expected data of the types and shapes that the model was trained on, because its graph to ${kind} was compiled for those; ` +
    `found others. Nothing was started. Use the ${kind} method of a ServerlessModel that wraps the model instead.`;
  return new StampedeError("model.data-mismatch", message);
}
