import type * as z from "zod";
import type { GraphManifest, Variable } from "../format/manifest.js";
import { manifestKey } from "../format/read-graph.js";
import { compilerVersion } from "../format/version.js";
import { encodeModel, type EncodeOptions } from "../ir/encode.js";
import type { Graph } from "../ir/types.js";
import { loadCore } from "../tfjs.js";

export const madeWith: GraphManifest["madeWith"] = { stampede: compilerVersion, tfjs: loadCore().version_core };

export interface CompiledGraph {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly manifest: GraphManifest;
}

/** All but what only encoding tells. */
export type Description = Omit<GraphManifest, "places">;

/** The graph as a file that says of itself what it is: the manifest travels inside. */
export function encodeDescribed(
  graph: Graph,
  description: Description,
  options: Omit<EncodeOptions, "name" | "metadata">,
): CompiledGraph {
  let manifest: GraphManifest = { ...description, places: [] };
  const metadata = (places: readonly string[]): Record<string, string> => {
    manifest = { ...description, places: [...places] };
    return { [manifestKey]: JSON.stringify({ ...manifest, variables: manifest.variables.map(withoutDefaults) }) };
  };
  const bytes = encodeModel(graph, { ...options, name: description.kind, metadata });
  return { bytes, manifest };
}

/** An optimizer may have hundreds of tensors. */
function withoutDefaults({ dtype, isWritten, ...variable }: Variable): z.input<typeof Variable> {
  return { ...variable, ...(dtype !== "float32" && { dtype }), ...(!isWritten && { isWritten }) };
}
