import type { NamedTensors } from "@stampede/core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { loadCore } from "@stampede/graph/tfjs";
import { writeWeights } from "./weights.js";

/**
 * Sets the weights of the caller's own model, all or none. The values are copied.
 * @throws StampedeError `training.incompatible-delta` when names, shapes or dtypes differ from the model's
 */
export function assignWeights(model: LayersModel, weights: NamedTensors): void {
  writeWeights(loadCore(), model, weights);
}
