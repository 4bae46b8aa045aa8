import { nearest, StampedeError, type TrainingConfig } from "@stampede/core";

type OptimizerConfig = TrainingConfig["optimizer_config"];
type Settings = Readonly<Record<string, number | boolean>>;

/** tfjs' optimizers with what `model.compile` sets when it is given just the name; `Momentum`'s momentum is Keras' usual one. */
export const optimizerDefaults = {
  SGD: { learningRate: 0.01 },
  Momentum: { learningRate: 0.01, momentum: 0.9, useNesterov: false },
  Adam: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
  Adamax: { learningRate: 0.002, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, decay: 0 },
  RMSProp: { learningRate: 0.001, decay: 0.9, momentum: 0, epsilon: 1e-7, centered: false },
  Adagrad: { learningRate: 0.01, initialAccumulatorValue: 0.1 },
  Adadelta: { learningRate: 1, rho: 0.95, epsilon: 1e-7 },
} as const satisfies Record<string, Settings>;

export type OptimizerClass = keyof typeof optimizerDefaults;

/** tfjs' class of an optimizer by any capitalisation of its name; undefined when there is none. */
export function findOptimizer(name: string): OptimizerClass | undefined {
  return optimizerClasses.find((known) => known.toLowerCase() === name.toLowerCase());
}

/** The names a job file can give. */
export const optimizerNames: readonly string[] = Object.keys(optimizerDefaults).map((name) => name.toLowerCase());
const optimizerClasses = Object.keys(optimizerDefaults).filter(
  (name): name is OptimizerClass => name in optimizerDefaults,
);

/** A setting that cannot be used: its name, and what is wrong with it. */
export interface SettingProblem {
  readonly setting: string;
  readonly problem: string;
}

/** Completes settings with the defaults, or says which of them is wrong. */
export function completeSettings(
  className: OptimizerClass,
  given: Readonly<Record<string, unknown>>,
): Settings | SettingProblem {
  const defaults: Settings = optimizerDefaults[className];
  const settings: Record<string, number | boolean> = { ...defaults };
  for (const [setting, value] of Object.entries(given)) {
    const usual = defaults[setting];
    if (usual === undefined) return { setting, problem: unknownSetting(className, setting) };
    const isFit = typeof usual === "boolean" ? typeof value === "boolean" : Number.isFinite(value);
    if (!isFit || (typeof value !== "number" && typeof value !== "boolean")) {
      const wanted = typeof usual === "boolean" ? "true or false" : "a number";
      return { setting, problem: `expected ${wanted}, found ${JSON.stringify(value)}` };
    }
    settings[setting] = value;
  }
  return settings;
}

function unknownSetting(className: OptimizerClass, setting: string): string {
  const names = Object.keys(optimizerDefaults[className]);
  const near = nearest(setting, names);
  const other = optimizerClasses.find((name) => setting in optimizerDefaults[name]);
  if (near !== undefined) return `is not a setting of ${className.toLowerCase()}; did you mean "${near}"?`;
  const hint = other === undefined ? "" : `, but of ${other.toLowerCase()}`;
  return `is not a setting of ${className.toLowerCase()}${hint}; it has ${names.join(", ")}`;
}

/** Reads `optimizer_config` as tfjs writes it, whose keys are camel case. Settings it leaves out get their defaults. */
export function readOptimizer({ class_name: name, config }: OptimizerConfig): {
  readonly className: OptimizerClass;
  readonly settings: Settings;
} {
  const className = findOptimizer(name);
  if (className === undefined) {
    const message = `Expected one of tfjs' optimizers (${optimizerClasses.join(", ")}), found "${name}". Nothing was started.`;
    throw new StampedeError("model.unsupported", message, { details: { optimizer: name } });
  }
  const settings = completeSettings(className, config);
  if (isProblem(settings)) {
    const message = `Expected settings of the optimizer ${className}: "${settings.setting}" ${settings.problem}. Nothing was started.`;
    throw new StampedeError("model.unsupported", message, { details: { optimizer: name, setting: settings.setting } });
  }
  return { className, settings };
}

export function isProblem(result: Settings | SettingProblem): result is SettingProblem {
  return typeof Reflect.get(result, "problem") === "string";
}
