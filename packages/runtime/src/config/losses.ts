import { nearest, StampedeError, type TrainingConfig } from "@stampede/core";
import { isCustomName } from "./custom-names.js";
import { toCamelCase } from "./keras-case.js";

/** The losses that tfjs-layers knows by name. */
const lossNames = [
  "meanSquaredError",
  "meanAbsoluteError",
  "meanAbsolutePercentageError",
  "meanSquaredLogarithmicError",
  "squaredHinge",
  "hinge",
  "categoricalHinge",
  "logcosh",
  "categoricalCrossentropy",
  "sparseCategoricalCrossentropy",
  "binaryCrossentropy",
  "kullbackLeiblerDivergence",
  "poisson",
  "cosineProximity",
] as const;

/** Keras' other names, in lower case; tfjs itself does not take them for losses. */
const otherNames = new Map([
  ["mse", "meanSquaredError"],
  ["mae", "meanAbsoluteError"],
  ["mape", "meanAbsolutePercentageError"],
  ["msle", "meanSquaredLogarithmicError"],
  ["logcosh", "logcosh"],
  ["kld", "kullbackLeiblerDivergence"],
  ["kldivergence", "kullbackLeiblerDivergence"],
  ["cosinesimilarity", "cosineProximity"],
]);

/** tfjs' name of a loss given in tfjs' or Keras' spelling; undefined when there is no such loss. */
export function findLoss(name: string): string | undefined {
  const camel = toCamelCase(name);
  return lossNames.find((known) => known === camel) ?? otherNames.get(camel.toLowerCase());
}

export function nearestLoss(name: string): string | undefined {
  return nearest(toCamelCase(name), [...lossNames, ...otherNames.keys()]);
}

/**
 * The loss of each output, by tfjs' name or that of a function of the user's own.
 * @throws StampedeError `model.invalid` when outputs and losses do not match, `model.unsupported` for an unknown loss
 */
export function lossesOf({ loss }: TrainingConfig, outputs: readonly string[]): string[] {
  const names = outputs.map((output, index) => {
    if (typeof loss === "string") return loss;
    return Array.isArray(loss) ? loss[index] : loss[output];
  });
  const given = typeof loss === "string" ? outputs.length : Object.keys(loss).length;
  return names.map((name, index) => {
    if (name === undefined || given !== outputs.length) {
      const message =
        `Expected one loss for each of the model's outputs (${outputs.join(", ")}), found ${JSON.stringify(loss)}. ` +
        "Nothing was started.";
      throw new StampedeError("model.invalid", message, { details: { output: outputs[index] } });
    }
    const found = isCustomName(name) ? name : findLoss(name);
    if (found === undefined) {
      throw new StampedeError(
        "model.unsupported",
        `Expected one of tfjs' losses, found "${name}". Nothing was started.`,
      );
    }
    return found;
  });
}
