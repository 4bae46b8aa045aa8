import type { LayersModel } from "@tensorflow/tfjs-layers";

/**
 * Whether a value is a tfjs LayersModel, by its shape and not its class: the caller's model may come from another copy of tfjs.
 */
export function isLayersModel(value: unknown): value is LayersModel {
  if (typeof value !== "object" || value === null) return false;
  const methods = ["compile", "toJSON", "getWeights", "predictOnBatch"];
  return (
    methods.every((name) => typeof Reflect.get(value, name) === "function") &&
    ["layers", "inputs", "outputs"].every((name) => Array.isArray(Reflect.get(value, name)))
  );
}

/** The functional model that does the work: a Sequential wraps one from the moment it is compiled or built. */
export function functionalOf(model: LayersModel): LayersModel {
  const inner: unknown = Reflect.get(model, "model");
  return isLayersModel(inner) ? inner : model;
}
