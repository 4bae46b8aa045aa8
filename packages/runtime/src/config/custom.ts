import { StampedeError, type ModelDefinition } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import { lossesOf } from "./losses.js";
import { metricsOf } from "./metrics.js";
import { isCustomName } from "./custom-names.js";

/** A loss or metric of the user's own: one value a sample (several count equally), or one for all of them. */
export type CustomFunction = (labels: Tf.Tensor, predictions: Tf.Tensor) => Tf.Tensor;

/** What a definition's names that begin with `custom:` stand for. It exists only in the process where the model was defined. */
export interface CustomFunctions {
  readonly losses: Readonly<Record<string, CustomFunction>>;
  readonly metrics: Readonly<Record<string, CustomFunction>>;
}

/**
 * Refuses losses and metrics of the user's own that are not there.
 * @throws StampedeError `model.unsupported` naming the first of them
 */
export function refuseUnknownFunctions({ training, outputs }: ModelDefinition, custom?: CustomFunctions): void {
  const names = outputs.map(({ name }) => name);
  const used = [
    ...lossesOf(training, names).map((name) => ({ what: "loss", name, known: custom?.losses[name] })),
    ...metricsOf(training, names).map(({ name }) => ({ what: "metric", name, known: custom?.metrics[name] })),
  ];
  const missing = used.find(({ name, known }) => isCustomName(name) && known === undefined);
  if (missing === undefined) return;
  const message =
    `Expected losses and metrics that tfjs knows by name, found the ${missing.what} "${missing.name}", a function of the user's own. ` +
    "Only the compiled engine runs it, from graphs that were made where the model was defined. Nothing was started.";
  throw new StampedeError("model.unsupported", message, { details: { [missing.what]: missing.name } });
}
