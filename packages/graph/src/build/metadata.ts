import type { GraphManifest } from "../format/manifest.js";
import { manifestKey } from "../format/read-graph.js";
import { compilerVersion } from "../format/version.js";
import { loadCore } from "../tfjs.js";

export const madeWith: GraphManifest["madeWith"] = { stampede: compilerVersion, tfjs: loadCore().version_core };

/** The manifest travels inside the ONNX file. */
export function metadataOf(manifest: GraphManifest): Record<string, string> {
  return { [manifestKey]: JSON.stringify(manifest) };
}
