import { meanMetric, StampedeError, type MetricStates, type ModelDefinition } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { lossLabels, metricsOf } from "../config/metrics.js";
import type { Fed } from "./batch-feed.js";
import { tf } from "./tfjs.js";

export type TrainFunction = (data: Tf.Tensor[]) => Tf.Scalar[];

/** One optimizer step on one batch; returns loss and metrics as means over its `rows`. */
export type TrainStep = (inputs: readonly Fed[], labels: readonly Fed[], rows: number) => MetricStates;

/**
 * The step that `LayersModel.fit` makes for each batch, made by the same function: fit's own results are these bit for bit.
 * @param model the functional model inside, compiled by `compileModel` with the same definition
 */
export function trainStepOf(model: LayersModel, { training, outputs }: ModelDefinition): TrainStep {
  const names = outputs.map(({ name }) => name);
  const labels = [...lossLabels(names), ...metricsOf(training, names).map(({ label }) => label)];
  const train = trainFunctionOf(model);
  return (inputs, targets, rows) => {
    const values = tf.tidy(() => {
      const results = train([...inputs, ...targets].map(({ tensor }) => tensor));
      const numbers = results.map((result) => result.dataSync()[0] ?? Number.NaN);
      // The train function keeps its metrics from being tidied.
      tf.dispose(results);
      return numbers;
    });
    return Object.fromEntries(labels.map((label, index) => [label, meanMetric(values[index] ?? Number.NaN, rows)]));
  };
}

/** `makeTrainFunction` is protected: what it returns takes inputs and labels, steps, and returns the loss and the metrics. */
export function trainFunctionOf(model: LayersModel): TrainFunction {
  const make: unknown = Reflect.get(model, "makeTrainFunction");
  const made: unknown = typeof make === "function" ? Reflect.apply(make, model, []) : undefined;
  if (isTrainFunction(made)) return made;
  throw new StampedeError("engine.failed", "Expected tfjs-layers 4.22.0, found models without makeTrainFunction().");
}

function isTrainFunction(value: unknown): value is TrainFunction {
  return typeof value === "function";
}
