import { StampedeError, type ModelDefinition } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { lossLabels, metricsOf } from "../config/metrics.js";

type Judge = (labels: Tf.Tensor, predictions: Tf.Tensor) => Tf.Tensor;

/** The functions that losses and metrics of a model are computed with. */
export interface Judges {
  /** One for each output. */
  readonly losses: readonly Judge[];
  /** In the order of `metricsOf`. */
  readonly metrics: readonly { readonly output: number; readonly compute: Judge }[];
}

/** @param model the functional model, compiled by `compileModel` with the same definition */
export function judgesOf(model: LayersModel, { training, outputs }: ModelDefinition): Judges {
  const names = outputs.map(({ name }) => name);
  // With several outputs tfjs puts their losses in front of the metrics.
  const tensors = model.metricsTensors.slice(lossLabels(names).length - 1);
  const metrics = metricsOf(training, names).map(({ label, output }, index) => {
    const [compute] = tensors[index] ?? [];
    if (compute === undefined) throw new StampedeError("engine.failed", `tfjs-layers has no metric for ${label}.`);
    return { output, compute };
  });
  return { losses: model.lossFunctions, metrics };
}
