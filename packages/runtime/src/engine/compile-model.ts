import type { ModelDefinition } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import type { LayersModel, ModelCompileArgs } from "@tensorflow/tfjs-layers";
import { refuseUnknownFunctions, type CustomFunction, type CustomFunctions } from "../config/custom.js";
import { findLoss } from "../config/losses.js";
import { mapLosses, mapMetrics } from "../config/map-names.js";
import { findMetric, functionMetricNames } from "../config/metrics.js";
import { quietly } from "../quietly.js";
import { positiveThreshold } from "./evaluation-sums.js";
import { createOptimizer } from "./optimizer.js";
import { tf, tfl } from "./tfjs.js";

/**
 * Compiles a model as its definition says.
 * @param metricsBy `stock`: with tfjs' own metrics throughout, for a model in the hands of the user; `engine`: with the corrected ones
 * @param custom what names of the user's own functions stand for
 * @throws StampedeError `model.unsupported`, `model.invalid` when optimizer, loss or metrics are unknown or do not fit the outputs
 */
export function compileModel(
  model: LayersModel,
  definition: ModelDefinition,
  metricsBy: "stock" | "engine",
  custom?: CustomFunctions,
): void {
  const { training } = definition;
  // Also what tfjs would fail on, or print a warning about.
  refuseUnknownFunctions(definition, custom);
  const optimizer = createOptimizer(training.optimizer_config);
  const args: ModelCompileArgs = { optimizer, loss: [] };
  // Set past the types, which have neither lists of names and functions mixed nor lists of metrics for one output; the code takes them.
  Reflect.set(
    args,
    "loss",
    mapLosses(training.loss, (name) => custom?.losses[name] ?? findLoss(name) ?? name),
  );
  Reflect.set(
    args,
    "metrics",
    mapMetrics(training.metrics ?? [], (name) => custom?.metrics[name] ?? toTfjs(findMetric(name) ?? name, metricsBy)),
  );
  quietly(() => model.compile(args));
}

const positives = (predictions: Tf.Tensor): Tf.Tensor =>
  tf.cast(tf.greater(predictions, positiveThreshold), predictions.dtype);

/**
 * tfjs counts only predictions of exactly 1 as positive, so that its precision and recall of a softmax or sigmoid are always 0; these
 * apply Keras' threshold first. Its r2Score wants the chained operations of the package @tensorflow/tfjs, and divides by zero where all
 * labels are equal; this one then says what core's `resolveMetrics` says.
 */
const ownMetrics: Readonly<Record<string, CustomFunction>> = {
  precision: (labels, predictions) => tfl.metrics.precision(labels, positives(predictions)),
  recall: (labels, predictions) => tfl.metrics.recall(labels, positives(predictions)),
  r2Score: (labels, predictions) => {
    const residuals = tf.sum(tf.square(tf.sub(labels, predictions)));
    const total = tf.sum(tf.square(tf.sub(labels, tf.mean(labels))));
    const isExact = tf.cast(tf.equal(residuals, 0), "float32");
    return tf.where(tf.greater(total, 0), tf.sub(1, tf.div(residuals, total)), isExact);
  },
};

function toTfjs(name: string, metricsBy: "stock" | "engine"): string | CustomFunction {
  const own = metricsBy === "engine" ? ownMetrics[name] : undefined;
  if (own !== undefined) return own;
  const known = functionMetricNames.find((builtin) => builtin === name);
  return known === undefined ? name : tfl.metrics[known];
}
