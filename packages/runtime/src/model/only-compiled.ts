import type { ModelDefinition } from "@stampede/core";
import { isCustomName, plainName } from "../config/custom-names.js";
import { lossesOf } from "../config/losses.js";
import { metricsOf } from "../config/metrics.js";
import { findCustomClass } from "./topology.js";

/**
 * Why a model runs on the compiled engine only; undefined for a model that tfjs itself has everything for.
 * @throws StampedeError `model.unsupported`, `model.invalid` as for the losses and metrics of any model
 */
export function whyOnlyCompiled({ topology, training, outputs }: ModelDefinition): string | undefined {
  const names = outputs.map(({ name }) => name);
  const loss = lossesOf(training, names).find(isCustomName);
  if (loss !== undefined) return `its loss "${plainName(loss)}" is a function of the user's own`;
  const metric = metricsOf(training, names).find(({ name }) => isCustomName(name));
  if (metric !== undefined) return `its metric "${plainName(metric.name)}" is a function of the user's own`;
  const custom = findCustomClass(topology);
  if (custom === undefined) return undefined;
  return `its ${custom.what} "${custom.name}" (at ${custom.place}) is of the user's own`;
}
