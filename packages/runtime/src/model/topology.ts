import { StampedeError, type ModelDefinition } from "@stampede/core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { toCamelCase } from "../config/keras-case.js";
import { quietly } from "../quietly.js";
import { builtinActivations, builtinClasses } from "./builtin-classes.js";

type Topology = ModelDefinition["topology"];
type Json = Topology[string];

/**
 * The topology of a model as stock tfjs writes it, with what tfjs forgets: `trainable = false` of a model within the model, which is
 * written to each of its layers, and the `depthMultiplier` of a SeparableConv2D.
 */
export function topologyOf(model: LayersModel): Topology {
  const unusedByTfjs = null;
  // Through text and back, because tfjs leaves fields undefined that JSON does not have.
  // Quietly, because tfjs warns that the initial state of a recurrent layer is lost; it stands among the layer's inputs all the same.
  const topology: unknown = JSON.parse(JSON.stringify(quietly(() => model.toJSON(unusedByTfjs, false))));
  if (!isTopology(topology)) throw new StampedeError("model.invalid", "Expected tfjs to write the model as an object.");
  mendLayers(topology, model.layers);
  return topology;
}

/** A class that tfjs does not have. */
export interface CustomClass {
  readonly what: "class" | "activation";
  readonly name: string;
  /** Where it stands. */
  readonly place: string;
}

/** What executors could not build without user code: the first of it, if there is any. */
export function findCustomClass(topology: Topology): CustomClass | undefined {
  const found: CustomClass[] = [];
  visit(topology, [], (node, path) => {
    const { class_name: name, config, activation, recurrent_activation: recurrent } = node;
    if (typeof name === "string" && isTopology(config) && !builtinClasses.has(name)) {
      const isActivation = path.some((part) => part.endsWith("activation"));
      if (!isActivation) found.push({ what: "class", name, place: placeOf(config, path) });
    }
    for (const used of [activation, recurrent]) {
      if (typeof used !== "string" || isBuiltinActivation(used)) continue;
      found.push({ what: "activation", name: used, place: placeOf(node, path) });
    }
  });
  return found[0];
}

/** @throws StampedeError `model.unsupported` naming the class and where it stands */
export function refuseCustomClasses(topology: Topology): void {
  const found = findCustomClass(topology);
  if (found === undefined) return;
  const { what, name, place } = found;
  const message =
    `Expected only classes of tfjs itself, found the ${what} "${name}" (at ${place}). ` +
    "Executors run no user code, so nothing was started.";
  throw new StampedeError("model.unsupported", message, { details: { class: name } });
}

/** Whether a class with such a name is anywhere in the model. */
export function usesClass(topology: Topology, isMeant: (name: string) => boolean): boolean {
  let found = false;
  visit(topology, [], ({ class_name: name }) => {
    found ||= typeof name === "string" && isMeant(name);
  });
  return found;
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

function mendLayers(description: Topology, layers: LayersModel["layers"]): void {
  const config = description["config"];
  const described = isTopology(config) ? config["layers"] : config;
  if (!Array.isArray(described)) return;
  for (const [index, layer] of layers.entries()) {
    const one = described[index];
    if (one === undefined || !isTopology(one)) continue;
    if (isContainer(layer)) {
      mendLayers(one, layer.layers);
      continue;
    }
    if (layer.weights.length > 0 && layer.trainableWeights.length === 0) freeze(one);
    multiplyDepth(one, layer);
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

/** Wrappers have the layer itself, and a description of it. */
function multiplyDepth(description: Json | undefined, layer: unknown): void {
  if (!isTopology(description) || !isTopology(description["config"])) return;
  if (typeof layer !== "object" || layer === null) return;
  const { config } = description;
  const depth: unknown = Reflect.get(layer, "depthMultiplier");
  if (description["class_name"] === "SeparableConv2D" && typeof depth === "number") config["depth_multiplier"] = depth;
  multiplyDepth(config["layer"], Reflect.get(layer, "layer"));
}

function placeOf(config: Topology, path: readonly string[]): string {
  const name = config["name"];
  return typeof name === "string" ? `layer "${name}"` : path.join(".");
}
