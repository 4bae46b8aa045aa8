export { blockProbe } from "./block-probe.js";
export { bindInputs, type BoundInput } from "./bind-inputs.js";
export { GraphManifest, type Distribution, type Variable } from "./manifest.js";
export { placeOf } from "./places.js";
export { readManifest } from "./read-graph.js";
export { compilerVersion } from "./version.js";
