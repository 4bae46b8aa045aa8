import { StampedeError, type Field } from "@stampede/core";
import type { ShardedSet } from "@stampede/data";
import { chooseCompute } from "@stampede/runtime";
import { engineOf, sameFields, type JobEngine } from "@stampede/training/prepare";
import type { savedKinds } from "@stampede/training/saved-model";
import type { InferencePlan } from "./inference.js";
import type { Capacity } from "./types.js";

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
