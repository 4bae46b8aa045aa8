import { StampedeError, type TrainingConfig } from "@stampede/core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { CustomFunction } from "../config/custom.js";
import type { FunctionNames } from "../config/function-names.js";
import { findLoss } from "../config/losses.js";
import { findMetric } from "../config/metrics.js";
import { readOptimizer } from "../config/optimizers.js";
import { loadLayers } from "@stampede/graph/tfjs";

type Metrics = NonNullable<TrainingConfig["metrics"]>;

/**
 * What a model was compiled with. tfjs' own `getTrainingConfig` fails on every loss given as a function and writes metrics by the
 * name of the function, whoever wrote it; here functions count as built in only when they are those of `tf.metrics`.
 *
 * @param functions names losses and metrics of the user's own, which are otherwise refused
 * @throws StampedeError `model.not-compiled`; `model.unsupported` naming the loss, metric or optimizer
 */
export function trainingOf(model: LayersModel, functions?: FunctionNames): TrainingConfig {
  // Both are undefined before compile(), whatever the types say.
  const { optimizer, loss, metrics }: Partial<Pick<LayersModel, "optimizer" | "loss" | "metrics">> = model;
  if (optimizer === undefined || optimizer === null || loss === undefined || loss === null) {
    const message = "Expected a compiled model, found one without optimizer and loss. Nothing was started.";
    throw new StampedeError("model.not-compiled", message);
  }
  const { className, settings } = readOptimizer({
    class_name: optimizer.getClassName(),
    config: plainConfig(optimizer.getConfig()),
  });
  return {
    optimizer_config: { class_name: className, config: { ...settings } },
    loss: lossNamesOf(loss, functions),
    metrics: metricNamesOf(metrics, functions),
  };
}

function plainConfig(config: unknown): TrainingConfig["optimizer_config"]["config"] {
  const plain: unknown = JSON.parse(JSON.stringify(config));
  return typeof plain === "object" && plain !== null ? { ...plain } : {};
}

function lossNamesOf(loss: unknown, functions?: FunctionNames): TrainingConfig["loss"] {
  const one = (value: unknown): string => nameOf("loss", value, findLoss, functions);
  if (Array.isArray(loss)) return loss.map(one);
  if (typeof loss !== "object" || loss === null) return one(loss);
  return Object.fromEntries(Object.entries(loss).map(([output, value]) => [output, one(value)]));
}

function metricNamesOf(metrics: unknown, functions?: FunctionNames): Metrics {
  const one = (value: unknown): string => nameOf("metric", value, findMetric, functions);
  if (metrics === undefined || metrics === null) return [];
  if (Array.isArray(metrics)) return metrics.map(one);
  if (typeof metrics !== "object") return [one(metrics)];
  return Object.fromEntries(
    Object.entries(metrics).map(([output, value]) => [output, Array.isArray(value) ? value.map(one) : one(value)]),
  );
}

function nameOf(
  what: "loss" | "metric",
  value: unknown,
  find: (name: string) => string | undefined,
  functions: FunctionNames | undefined,
): string {
  const isFunction = isCustomFunction(value);
  const given = isFunction ? builtinFunctionName(value) : value;
  const found = typeof given === "string" ? find(given) : undefined;
  if (found !== undefined) return found;
  if (isFunction && functions !== undefined) return functions.nameOf(what, value);
  const shown = isFunction
    ? `the function ${value.name === "" ? "(without a name)" : value.name}`
    : `"${String(value)}"`;
  const message =
    `Expected a ${what} that tfjs knows by name, found ${shown}. ` +
    "Executors run no user code, so nothing was started.";
  throw new StampedeError("model.unsupported", message, { details: { [what]: shown } });
}

/** tfjs finds out what a function returns when it calls it. */
function isCustomFunction(value: unknown): value is CustomFunction {
  return typeof value === "function";
}

/** The name under which `tf.metrics` holds a function. */
function builtinFunctionName(value: unknown): string | undefined {
  return Object.entries(loadLayers().metrics).find(([, builtin]) => builtin === value)?.[0];
}
