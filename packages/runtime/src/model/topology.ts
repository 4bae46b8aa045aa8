import { StampedeError, type ModelDefinition } from "@stampede/core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { toCamelCase } from "../config/keras-case.js";
import { builtinActivations, builtinClasses } from "./builtin-classes.js";

type Topology = ModelDefinition["topology"];
type Json = Topology[string];

/**
 * The topology of a model as stock tfjs writes it, except that freezing survives: tfjs forgets `trainable = false` of a model
 * within the model, so it is written to each of its layers.
 */
export function topologyOf(model: LayersModel): Topology {
  const unusedByTfjs = null;
  // Through text and back, because tfjs leaves fields undefined that JSON does not have.
  const topology: unknown = JSON.parse(JSON.stringify(model.toJSON(unusedByTfjs, false)));
  if (!isTopology(topology)) throw new StampedeError("model.invalid", "Expected tfjs to write the model as an object.");
  freezeLayers(topology, model.layers);
  return topology;
}

/**
 * Refuses what executors could not build without user code.
 * @throws StampedeError `model.unsupported` naming the class and where it stands
 */
export function refuseCustomClasses(topology: Topology): void {
  visit(topology, [], (node, path) => {
    const { class_name: name, config, activation, recurrent_activation: recurrent } = node;
    if (typeof name === "string" && isTopology(config) && !builtinClasses.has(name)) {
      if (!path.some((part) => part.endsWith("activation"))) throw custom("class", name, placeOf(config, path));
    }
    for (const used of [activation, recurrent]) {
      if (typeof used === "string" && !isBuiltinActivation(used)) throw custom("activation", used, placeOf(node, path));
    }
  });
}

function isBuiltinActivation(name: string): boolean {
  return builtinActivations.has(name) || builtinActivations.has(toCamelCase(name));
}

/**
 * The same model with weights that begin as zeros. For sessions, whose weights are always loaded: drawing random ones takes time,
 * and for recurrent layers tfjs also prints a warning that it does.
 */
export function withZeroInitializers(topology: Topology): Topology {
  const copy = structuredClone(topology);
  visit(copy, [], (node) => {
    for (const [key, value] of Object.entries(node)) {
      if (key.endsWith("_initializer") && value !== null) node[key] = { class_name: "Zeros", config: {} };
    }
  });
  return copy;
}

function isTopology(value: unknown): value is Topology {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function visit(
  value: Json,
  path: readonly string[],
  onObject: (node: Topology, path: readonly string[]) => void,
): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) visit(item, [...path, String(index)], onObject);
  } else if (isTopology(value)) {
    onObject(value, path);
    for (const [key, item] of Object.entries(value)) visit(item, [...path, key], onObject);
  }
}

function freezeLayers(description: Topology, layers: LayersModel["layers"]): void {
  const config = description["config"];
  const described = isTopology(config) ? config["layers"] : config;
  if (!Array.isArray(described)) return;
  for (const [index, layer] of layers.entries()) {
    const one = described[index];
    if (one === undefined || !isTopology(one)) continue;
    if (isContainer(layer)) freezeLayers(one, layer.layers);
    else if (layer.weights.length > 0 && layer.trainableWeights.length === 0) freeze(one);
  }
}

function isContainer(layer: LayersModel["layers"][number]): layer is LayersModel {
  return "layers" in layer && Array.isArray(layer.layers);
}

/** Wrappers such as TimeDistributed pass the question on to the layer they wrap. */
function freeze(layer: Json | undefined): void {
  if (!isTopology(layer) || !isTopology(layer["config"])) return;
  layer["config"]["trainable"] = false;
  freeze(layer["config"]["layer"]);
}

function placeOf(config: Topology, path: readonly string[]): string {
  const name = config["name"];
  return typeof name === "string" ? `layer "${name}"` : path.join(".");
}

function custom(what: string, name: string, place: string): StampedeError {
  const message =
    `Expected only classes of tfjs itself, found the ${what} "${name}" (at ${place}). ` +
    "Executors run no user code, so nothing was started.";
  return new StampedeError("model.unsupported", message, { details: { class: name } });
}
