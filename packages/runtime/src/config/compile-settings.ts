import { nearest, StampedeError, type CompileSettings, type TrainingConfig } from "@stampede/core";
import { findLoss, nearestLoss } from "./losses.js";
import { mapLosses } from "./map-names.js";
import { findMetric, nearestMetric } from "./metrics.js";
import { completeSettings, findOptimizer, isProblem, optimizerNames } from "./optimizers.js";

/**
 * What `compile` of a job file means, in the form of a model's training configuration.
 * Optimizers are named sgd, momentum, adam, rmsprop, adagrad, adadelta or adamax, with the hyperparameters of `tf.train`.
 *
 * @throws StampedeError `job-file.invalid` for an unknown optimizer, hyperparameter, loss or metric, with the nearest valid name
 */
export function trainingConfigOf({ optimizer, loss, metrics }: CompileSettings): TrainingConfig {
  return { optimizer_config: optimizerOf(optimizer), loss: mapLosses(loss, lossOf), metrics: metrics.map(metricOf) };
}

function optimizerOf(optimizer: CompileSettings["optimizer"]): TrainingConfig["optimizer_config"] {
  const { name, ...given } = typeof optimizer === "string" ? { name: optimizer } : optimizer;
  const className = findOptimizer(name);
  const at = typeof optimizer === "string" ? "compile.optimizer" : "compile.optimizer.name";
  if (className === undefined) throw unknown(at, "optimizer", name, nearest(name, optimizerNames));
  const settings = completeSettings(className, given);
  if (isProblem(settings)) {
    throw new StampedeError(
      "job-file.invalid",
      `compile.optimizer.${settings.setting} ${settings.problem}. Nothing was started.`,
      { details: { field: `compile.optimizer.${settings.setting}` } },
    );
  }
  return { class_name: className, config: { ...settings } };
}

function lossOf(name: string): string {
  const found = findLoss(name);
  if (found === undefined) throw unknown("compile.loss", "loss", name, nearestLoss(name));
  return found;
}

function metricOf(name: string): string {
  const found = findMetric(name);
  if (found === undefined) throw unknown("compile.metrics", "metric", name, nearestMetric(name));
  return found;
}

function unknown(field: string, what: string, name: string, near: string | undefined): StampedeError {
  const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
  const message = `${field}: expected ${what === "optimizer" ? "an" : "a"} ${what} that tfjs knows by name, found "${name}".${hint} Nothing was started.`;
  return new StampedeError("job-file.invalid", message, { details: { field } });
}
