import { StampedeError, type MetricStates, type ModelDefinition } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { lossLabels, metricsOf, type MetricSpec } from "../config/metrics.js";
import { positiveThreshold } from "./compile-model.js";

/** One output of the model for one batch: what was expected, and what came. */
export interface Judged {
  readonly labels: Tf.Tensor;
  readonly labelValues: Float32Array;
  readonly predictions: Tf.Tensor;
}

/**
 * Sums up loss and metrics so that parts merge exactly. tfjs' own `evaluate` averages float32 means batch by batch, and for several
 * outputs returns its losses in places of others; here the values of single samples are added up in float64.
 *
 * As in tfjs the loss of an evaluation is without the penalties of regularizers.
 */
export class Evaluation {
  readonly #losses: LayersModel["lossFunctions"];
  readonly #metrics: LayersModel["metricsTensors"];
  readonly #lossLabels: readonly string[];
  readonly #specs: readonly MetricSpec[];
  readonly #sums: Map<string, number[]>;

  /** @param model compiled by `compileModel` with the same definition */
  constructor(model: LayersModel, { training, outputs }: ModelDefinition) {
    const names = outputs.map(({ name }) => name);
    this.#losses = model.lossFunctions;
    this.#lossLabels = lossLabels(names);
    this.#specs = metricsOf(training, names);
    // With several outputs tfjs puts their losses in front of the metrics.
    this.#metrics = model.metricsTensors.slice(this.#lossLabels.length - 1);
    const zeros = this.#specs.map(({ label, kind }): [string, number[]] => [
      label,
      Array<number>(widths[kind]).fill(0),
    ]);
    this.#sums = new Map([...this.#lossLabels.map((label): [string, number[]] => [label, [0, 0]]), ...zeros]);
  }

  add(outputs: readonly Judged[], rows: number): void {
    let total = 0;
    for (const [index, { labels, predictions }] of outputs.entries()) {
      const sum = sumOverSamples(this.#losses[index]?.(labels, predictions), rows);
      total += sum;
      this.#addTo(this.#lossLabels[index + 1], [sum, rows]);
    }
    this.#addTo("loss", [total, rows]);
    for (const [index, { label, output, kind }] of this.#specs.entries()) {
      const judged = outputs[output];
      if (judged === undefined) throw new StampedeError("engine.failed", `The model has no output ${output}.`);
      const values = this.#metrics[index]?.[0];
      if (kind === "mean") {
        this.#addTo(label, [sumOverSamples(values?.(judged.labels, judged.predictions), rows), rows]);
      } else {
        this.#addTo(label, counters[kind](judged.labelValues, judged.predictions.dataSync()));
      }
    }
  }

  states(): MetricStates {
    const kinds = new Map(this.#specs.map(({ label, kind }) => [label, kind]));
    const states: MetricStates = {};
    for (const [label, sums] of this.#sums) states[label] = { kind: kinds.get(label) ?? "mean", sums: [...sums] };
    return states;
  }

  #addTo(label: string | undefined, added: readonly number[]): void {
    const sums = this.#sums.get(label ?? "");
    if (sums === undefined) return;
    for (const [index, value] of added.entries()) sums[index] = (sums[index] ?? 0) + value;
  }
}

/** How many sums a metric needs; their meaning is that of core's `MetricState`. */
const widths = { mean: 2, precision: 2, recall: 2, r2Score: 4 } as const;

type Counter = (labels: Float32Array, predictions: ArrayLike<number>) => readonly number[];

const counters: Readonly<Record<"precision" | "recall" | "r2Score", Counter>> = {
  precision: (labels, predictions) => {
    const [both, , predicted] = countPositives(labels, predictions);
    return [both, predicted];
  },
  recall: (labels, predictions) => {
    const [both, actual] = countPositives(labels, predictions);
    return [both, actual];
  },
  r2Score: (labels, predictions) => {
    let sum = 0;
    let squares = 0;
    let residuals = 0;
    for (const [index, label] of labels.entries()) {
      sum += label;
      squares += label * label;
      residuals += (label - (predictions[index] ?? Number.NaN)) ** 2;
    }
    return [labels.length, sum, squares, residuals];
  },
};

/** Elements that are positive in both, in the labels, in the predictions. Labels other than 0 and 1 count nowhere, as in tfjs. */
function countPositives(labels: Float32Array, predictions: ArrayLike<number>): [number, number, number] {
  let both = 0;
  let actual = 0;
  let predicted = 0;
  for (const [index, label] of labels.entries()) {
    const isPredicted = (predictions[index] ?? 0) > positiveThreshold;
    if (label === 1) actual += 1;
    if (isPredicted && (label === 1 || label === 0)) predicted += 1;
    if (isPredicted && label === 1) both += 1;
  }
  return [both, actual, predicted];
}

/** tfjs' losses give one value a sample, or several that count equally (one a step of a sequence). */
function sumOverSamples(values: Tf.Tensor | undefined, rows: number): number {
  const each = values?.dataSync() ?? [];
  const perSample = each.length / rows;
  if (perSample < 1 || !Number.isInteger(perSample)) {
    throw new StampedeError("engine.failed", `Expected values for ${rows} samples, found ${each.length}.`);
  }
  let sum = 0;
  for (const value of each) sum += value;
  return sum / perSample;
}
