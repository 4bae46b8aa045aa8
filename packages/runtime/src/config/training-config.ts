import { StampedeError, type TrainingConfig } from "@stampede/core";
import * as z from "zod";
import { toCamelCase } from "./keras-case.js";
import { findLoss } from "./losses.js";
import { mapLosses, mapMetrics } from "./map-names.js";
import { findMetric } from "./metrics.js";
import { completeSettings, findOptimizer, isProblem, optimizerDefaults, type OptimizerClass } from "./optimizers.js";

const Written = z.looseObject({
  optimizer_config: z.looseObject({ class_name: z.string(), config: z.record(z.string(), z.unknown()) }),
  loss: z.union([z.string(), z.array(z.string()), z.record(z.string(), z.string())]),
  metrics: z.union([z.array(z.string()), z.record(z.string(), z.union([z.string(), z.array(z.string())]))]).nullish(),
});
type OptimizerConfig = TrainingConfig["optimizer_config"];

/** Keras settings that change training and that tfjs has no counterpart for; off in all of these forms. */
const mustBeOff = ["amsgrad", "clipnorm", "clipvalue", "global_clipnorm", "weight_decay", "use_ema"];
const isOff = (value: unknown): boolean => value === undefined || value === null || value === false || value === 0;

/**
 * Reads a training configuration as tfjs or Keras writes it into a model.json.
 * @returns undefined where there is none
 * @throws StampedeError `model.unsupported` when tfjs cannot train with it
 */
export function readTrainingConfig(found: unknown): TrainingConfig | undefined {
  if (found === undefined || found === null) return undefined;
  const parsed = Written.safeParse(found);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw unsupported(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
  }
  const { optimizer_config: optimizer, loss, metrics } = parsed.data;
  return {
    optimizer_config: readOptimizerConfig(optimizer.class_name, optimizer.config),
    loss: mapLosses(loss, (name) => findLoss(name) ?? name),
    metrics: mapMetrics(metrics ?? [], (name) => findMetric(name) ?? name),
  };
}

function readOptimizerConfig(name: string, config: Readonly<Record<string, unknown>>): OptimizerConfig {
  const className = classOf(name, config);
  const used = mustBeOff.find((setting) => !isOff(config[setting]));
  if (used !== undefined) throw unsupported(`the optimizer setting ${used}`);
  const known: object = optimizerDefaults[className];
  const given = Object.entries(config)
    .map(([setting, value]): [string, unknown] => [settingName(className, setting), value])
    .filter(([setting, value]) => setting in known && value !== null);
  const settings = completeSettings(className, Object.fromEntries(given));
  if (isProblem(settings)) throw unsupported(`the optimizer setting ${settings.setting}: ${settings.problem}`);
  return { class_name: className, config: { ...settings } };
}

/** Keras' SGD has a momentum; in tfjs that is another optimizer. */
function classOf(name: string, config: Readonly<Record<string, unknown>>): OptimizerClass {
  const className = findOptimizer(name);
  if (className === undefined) throw unsupported(`the optimizer ${name}`);
  return className === "SGD" && !isOff(config["momentum"]) ? "Momentum" : className;
}

/** Keras' names in snake case; its `rho` of RMSprop is tfjs' `decay`. */
function settingName(className: OptimizerClass, setting: string): string {
  if (className === "RMSProp" && setting === "rho") return "decay";
  if (className === "Momentum" && setting === "nesterov") return "useNesterov";
  return toCamelCase(setting);
}

function unsupported(found: string): StampedeError {
  const message =
    `Expected a training configuration that tfjs can use, found ${found}. ` +
    "Give `compile` in the job file instead. Nothing was started.";
  return new StampedeError("model.unsupported", message);
}
