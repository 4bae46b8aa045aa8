import { nearest, StampedeError, type MetricState, type TrainingConfig } from "@stampede/core";
import { isCustomName, plainName } from "./custom-names.js";
import { toCamelCase } from "./keras-case.js";

/** Metrics that stock tfjs finds by name. */
export const stockMetricNames: readonly string[] = [
  "accuracy",
  "crossentropy",
  "binaryAccuracy",
  "categoricalAccuracy",
  "precision",
  "categoricalCrossentropy",
  "sparseCategoricalCrossentropy",
  "mse",
  "mae",
  "mape",
  "cosine",
];

/** Metrics that stock tfjs takes only as functions of `tf.metrics`; Stampede takes their names too. */
export const functionMetricNames = [
  "binaryCrossentropy",
  "sparseCategoricalAccuracy",
  "recall",
  "r2Score",
  "cosineProximity",
  "meanSquaredError",
  "meanAbsoluteError",
  "meanAbsolutePercentageError",
] as const;

const shortNames = new Map([
  ["acc", "accuracy"],
  ["ce", "crossentropy"],
  ["MSE", "mse"],
  ["MAE", "mae"],
  ["MAPE", "mape"],
]);

const allNames: readonly string[] = [...stockMetricNames, ...functionMetricNames];

/** The full name of a metric given in tfjs' or Keras' spelling; undefined when there is no such metric. */
export function findMetric(name: string): string | undefined {
  const camel = toCamelCase(name);
  const full = shortNames.get(camel) ?? camel;
  return allNames.includes(full) ? full : undefined;
}

export function nearestMetric(name: string): string | undefined {
  return nearest(toCamelCase(name), [...allNames, ...shortNames.keys()]);
}

/** One metric of one output, in the order in which tfjs computes them. */
export interface MetricSpec {
  readonly output: number;
  /** The metric's full name, or that of a function of the user's own. */
  readonly name: string;
  /** The key in `MetricStates`: the name, after the output's name where there are several outputs. */
  readonly label: string;
  readonly kind: MetricState["kind"];
}

/** @throws StampedeError `model.unsupported` for an unknown metric, `model.invalid` for an unknown output */
export function metricsOf({ metrics = [] }: TrainingConfig, outputs: readonly string[]): MetricSpec[] {
  const unknown = Array.isArray(metrics) ? undefined : Object.keys(metrics).find((name) => !outputs.includes(name));
  if (unknown !== undefined) {
    const message = `Expected metrics for the outputs ${outputs.join(", ")}, found some for "${unknown}". Nothing was started.`;
    throw new StampedeError("model.invalid", message);
  }
  const specs = outputs.flatMap((prefix, output) => {
    const names = [Array.isArray(metrics) ? metrics : (metrics[prefix] ?? [])].flat();
    return names.map((given) => specOf(given, output, outputs.length > 1 ? `${prefix}_` : ""));
  });
  return specs.map((spec, index) => {
    const before = specs.slice(0, index).filter(({ label }) => label === spec.label).length;
    return before === 0 ? spec : { ...spec, label: `${spec.label}_${before}` };
  });
}

/** Names of the losses: `loss`, and with several outputs one for each of them. */
export function lossLabels(outputs: readonly string[]): string[] {
  return ["loss", ...(outputs.length > 1 ? outputs.map((output) => `${output}_loss`) : [])];
}

function specOf(given: string, output: number, prefix: string): MetricSpec {
  const name = isCustomName(given) ? given : findMetric(given);
  if (name === undefined) {
    const message = `Expected one of tfjs' metrics, found "${given}". Nothing was started.`;
    throw new StampedeError("model.unsupported", message);
  }
  return { output, name, label: `${prefix}${plainName(name)}`, kind: kindOf(name) };
}

function kindOf(name: string): MetricState["kind"] {
  return name === "precision" || name === "recall" || name === "r2Score" ? name : "mean";
}
