import { StampedeError, type ModelDefinition } from "@stampede/core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { prepareTfjs } from "../engine/backend.js";
import { loadCore, loadLayers } from "@stampede/graph/tfjs";
import { withSeededRandom } from "../seeded-random.js";
import { quietly } from "../quietly.js";
import { withZeroInitializers } from "./topology.js";

/**
 * Builds a model without its weights: these are zeros, or drawn by the layers' initializers from `randomKey` (a uint32) alone.
 * The thread must have a tfjs backend.
 *
 * @throws StampedeError `model.unsupported` when tfjs cannot build the topology
 */
export async function assemble(topology: ModelDefinition["topology"], randomKey?: number): Promise<LayersModel> {
  const plan = randomKey === undefined ? withZeroInitializers(topology) : topology;
  defineGeluNew();
  try {
    // modelFromJSON builds all layers before it returns its promise.
    return await withSeededRandom(randomKey ?? 0, () => quietly(() => loadLayers().models.modelFromJSON(plan)));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StampedeError("model.unsupported", `tfjs cannot build the model: ${reason} Nothing was started.`, {
      cause,
    });
  }
}

/** tfjs reads the names of activations in camel case, and so does not find `gelu_new` again, which it has written itself. */
function defineGeluNew(): void {
  loadLayers();
  const { classNameMap } = loadCore().serialization.SerializationMap.getMap();
  const activation = classNameMap["gelu_new"];
  if (activation !== undefined) classNameMap["geluNew"] ??= activation;
}

/**
 * A compiled LayersModel for the caller's own use, on the backend that his tfjs uses (the CPU if he has chosen none).
 * Its weights are zeros until `assignWeights` sets them.
 *
 * @throws StampedeError `model.unsupported`
 */
export async function buildModel(definition: ModelDefinition): Promise<LayersModel> {
  // Only now, because this loads tfjs.
  const { compileModel } = await import("../engine/compile-model.js");
  await prepareTfjs();
  const model = await assemble(definition.topology);
  compileModel(model, definition, "stock");
  return model;
}
