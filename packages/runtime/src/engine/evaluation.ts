import { StampedeError, type MetricStates, type ModelDefinition } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { EvaluationSums } from "./evaluation-sums.js";
import { judgesOf, type Judges } from "./judges.js";

/** One output of the model for one batch: what was expected, and what came. */
export interface Judged {
  readonly labels: Tf.Tensor;
  readonly labelValues: Float32Array;
  readonly predictions: Tf.Tensor;
}

/** Sums up loss and metrics of batches that tfjs has predicted. */
export class Evaluation {
  readonly #judges: Judges;
  readonly #sums: EvaluationSums;

  /** @param model compiled by `compileModel` with the same definition */
  constructor(model: LayersModel, definition: ModelDefinition) {
    this.#judges = judgesOf(model, definition);
    this.#sums = new EvaluationSums(definition);
  }

  add(outputs: readonly Judged[], rows: number): void {
    const at = (output: number): Judged => {
      const judged = outputs[output];
      if (judged === undefined) throw new StampedeError("engine.failed", `The model has no output ${output}.`);
      return judged;
    };
    const { losses, metrics } = this.#judges;
    this.#sums.add({
      rows,
      loss: (output) => losses[output]?.(at(output).labels, at(output).predictions).dataSync() ?? [],
      metric: (index) => {
        const metric = metrics[index];
        if (metric === undefined) return [];
        const { labels, predictions } = at(metric.output);
        return metric.compute(labels, predictions).dataSync();
      },
      labels: (output) => at(output).labelValues,
      predictions: (output) => at(output).predictions.dataSync(),
    });
  }

  states(): MetricStates {
    return this.#sums.states();
  }
}
