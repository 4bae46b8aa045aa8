import { createRequire } from "node:module";
import type * as Tf from "@tensorflow/tfjs-core";
import type * as Tfl from "@tensorflow/tfjs-layers";

// At once and only when asked for. tfjs is CommonJS: Node takes 70 ms to require it and 265 ms to import it (which scans the sources
// for the names of exports first). Both give the same module.
const require = createRequire(import.meta.url);

export function loadCore(): typeof Tf {
  const core: unknown = require("@tensorflow/tfjs-core");
  if (isCore(core)) return core;
  throw new TypeError("expected the package @tensorflow/tfjs-core");
}

export function loadLayers(): typeof Tfl {
  const layers: unknown = require("@tensorflow/tfjs-layers");
  if (isLayers(layers)) return layers;
  throw new TypeError("expected the package @tensorflow/tfjs-layers");
}

/** Registers tfjs' backend `cpu`, whose kernels compute what a trace finds constant. */
export function loadCpuBackend(): void {
  require("@tensorflow/tfjs-backend-cpu");
}

function isCore(module: unknown): module is typeof Tf {
  return typeof module === "object" && module !== null && "tidy" in module && "tensor" in module;
}

function isLayers(module: unknown): module is typeof Tfl {
  return typeof module === "object" && module !== null && "metrics" in module && "layers" in module;
}
