import { StampedeError, type ModelDefinition, type NamedTensors } from "@stampede/core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { CustomFunctions } from "../config/custom.js";
import { FunctionNames } from "../config/function-names.js";
import { lossesOf } from "../config/losses.js";
import { metricsOf } from "../config/metrics.js";
import { functionalOf, isLayersModel } from "./layers-model.js";
import { refuseCustomClasses, topologyOf } from "./topology.js";
import { whyOnlyCompiled } from "./only-compiled.js";
import { trainingOf } from "./training-of.js";
import { readWeights } from "./weights.js";

/** A model in the form in which it is stored and sent: what it is, and its weights by name. */
export interface DefinedModel {
  readonly definition: ModelDefinition;
  readonly weights: NamedTensors;
  /** Losses and metrics of the user's own, by their names in the definition. They stay in this process. */
  readonly custom?: CustomFunctions;
  /** Why only the compiled engine can run the model; left out where every engine can. */
  readonly requiresCompiled?: string;
}

export interface DefineOptions {
  /**
   * Takes layers, losses and metrics of the user's own as well. Graphs for the compiled engine can be made of them in this process, where
   * their code is; tfjs engines on executors cannot run them. @default false
   */
  readonly allowCustom?: boolean;
}

/**
 * Takes a compiled tfjs LayersModel apart, so that executors can build it again without user code.
 *
 * @returns the definition, and copies of the weights (float32 or int32) in the order of `model.weights`
 * @throws StampedeError `model.invalid` when it is not a LayersModel; `model.not-compiled`; `model.unsupported` for a custom class,
 *   a loss or metric given as a function other than those of `tf.metrics`, stateful layers or a fixed batch size
 */
export function defineModel(model: LayersModel, { allowCustom = false }: DefineOptions = {}): DefinedModel {
  if (!isLayersModel(model)) {
    throw new StampedeError("model.invalid", `Expected a tf.LayersModel, found ${kindOf(model)}. Nothing was started.`);
  }
  const functions = new FunctionNames();
  const training = trainingOf(model, allowCustom ? functions : undefined);
  refuseUntrainable(model);
  const topology = topologyOf(model);
  if (!allowCustom) refuseCustomClasses(topology);
  const definition = { format: "tfjs-layers" as const, topology, training, ...portsOf(model) };
  const outputs = definition.outputs.map(({ name }) => name);
  lossesOf(training, outputs);
  metricsOf(training, outputs);
  const custom = functions.functions();
  const requiresCompiled = whyOnlyCompiled(definition);
  return {
    definition,
    weights: readWeights(model),
    ...(custom && { custom }),
    ...(requiresCompiled !== undefined && { requiresCompiled }),
  };
}

/** The names and row shapes of a built model's inputs and outputs. */
export function portsOf(model: LayersModel): Pick<ModelDefinition, "inputs" | "outputs"> {
  const { inputNames, inputs, outputNames, outputs } = functionalOf(model);
  return {
    inputs: inputs.map(({ shape }, index) => ({ name: inputNames[index] ?? `input_${index}`, shape: shape.slice(1) })),
    outputs: outputs.map(({ shape }, index) => ({
      name: outputNames[index] ?? `output_${index}`,
      shape: shape.slice(1),
    })),
  };
}

/** @throws StampedeError `model.unsupported` for what cannot be trained batch by batch on any executor */
export function refuseUntrainable(model: LayersModel): void {
  if (model.stateful) {
    const names = model.layers.filter(({ stateful }) => stateful).map(({ name }) => name);
    const message =
      `Expected layers without state between batches, found stateful ${names.join(", ")}. ` +
      "A batch must not depend on the one before it, so nothing was started.";
    throw new StampedeError("model.unsupported", message);
  }
  const { inputs } = functionalOf(model);
  const fixed = inputs.find(({ shape }) => typeof shape[0] === "number");
  if (fixed !== undefined) {
    const message =
      `Expected an open batch size, found input "${fixed.name}" for batches of ${String(fixed.shape[0])} rows; ` +
      "the last batch may be shorter. Use inputShape instead of batchInputShape. Nothing was started.";
    throw new StampedeError("model.unsupported", message);
  }
}

function kindOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  const { name } = value.constructor ?? {};
  return name === undefined || name === "" ? "an object" : `an object of class ${name}`;
}
