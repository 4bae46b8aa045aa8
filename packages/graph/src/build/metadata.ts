import type { GraphManifest } from "../format/manifest.js";
import { manifestKey } from "../format/read-graph.js";
import { loadCore } from "../tfjs.js";

/** Grows with every change of what graphs compute or of how they are fed. */
const compilerVersion = "1";

export const madeWith: GraphManifest["madeWith"] = { stampede: compilerVersion, tfjs: loadCore().version_core };

/** The manifest travels inside the ONNX file. */
export function metadataOf(manifest: GraphManifest): Record<string, string> {
  return { [manifestKey]: JSON.stringify(manifest) };
}
