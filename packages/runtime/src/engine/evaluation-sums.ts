import { StampedeError, type MetricStates, type ModelDefinition } from "@stampede/core";
import { lossLabels, metricsOf, type MetricSpec } from "../config/metrics.js";

/** Predictions above it count as positive in precision and recall, as in Keras. */
export const positiveThreshold = 0.5;

/** What an engine has computed for some rows. Only what the metrics need is asked for. */
export interface JudgedRows {
  readonly rows: number;
  /** Of an output: one value a sample, or several that count equally (one a step of a sequence), or one for all. */
  readonly loss: (output: number) => ArrayLike<number>;
  /** The same of a metric, by its place in `metricsOf`. */
  readonly metric: (index: number) => ArrayLike<number>;
  /** What was expected of an output, as the model is fed it. */
  readonly labels: (output: number) => ArrayLike<number>;
  readonly predictions: (output: number) => ArrayLike<number>;
}

/**
 * Sums up loss and metrics so that parts merge exactly: values of single samples are added in float64, one after the other. tfjs' own
 * `evaluate` averages float32 means batch by batch, and for several outputs returns its losses in places of others.
 *
 * As in tfjs the loss of an evaluation is without the penalties of regularizers.
 */
export class EvaluationSums {
  readonly #lossLabels: readonly string[];
  readonly #outputs: readonly string[];
  readonly #specs: readonly MetricSpec[];
  readonly #sums: Map<string, number[]>;

  constructor({ training, outputs }: ModelDefinition) {
    this.#outputs = outputs.map(({ name }) => name);
    this.#lossLabels = lossLabels(this.#outputs);
    this.#specs = metricsOf(training, this.#outputs);
    const zeros = this.#specs.map(({ label, kind }): [string, number[]] => [
      label,
      Array<number>(widths[kind]).fill(0),
    ]);
    this.#sums = new Map([...this.#lossLabels.map((label): [string, number[]] => [label, [0, 0]]), ...zeros]);
  }

  add(judged: JudgedRows): void {
    const { rows } = judged;
    let total = 0;
    for (const output of this.#outputs.keys()) {
      const sum = sumOverSamples(judged.loss(output), rows);
      total += sum;
      this.#addTo(this.#lossLabels[output + 1], [sum, rows]);
    }
    this.#addTo("loss", [total, rows]);
    for (const [index, { label, output, kind }] of this.#specs.entries()) {
      if (kind === "mean") this.#addTo(label, [sumOverSamples(judged.metric(index), rows), rows]);
      else this.#addTo(label, counters[kind](judged.labels(output), judged.predictions(output)));
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

type Counter = (labels: ArrayLike<number>, predictions: ArrayLike<number>) => readonly number[];

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
    for (let index = 0; index < labels.length; index += 1) {
      const label = labels[index] ?? Number.NaN;
      sum += label;
      squares += label * label;
      residuals += (label - (predictions[index] ?? Number.NaN)) ** 2;
    }
    return [labels.length, sum, squares, residuals];
  },
};

/** Elements that are positive in both, in the labels, in the predictions. Labels other than 0 and 1 count nowhere, as in tfjs. */
function countPositives(labels: ArrayLike<number>, predictions: ArrayLike<number>): [number, number, number] {
  let both = 0;
  let actual = 0;
  let predicted = 0;
  for (let index = 0; index < labels.length; index += 1) {
    const label = labels[index];
    const isPredicted = (predictions[index] ?? 0) > positiveThreshold;
    if (label === 1) actual += 1;
    if (isPredicted && (label === 1 || label === 0)) predicted += 1;
    if (isPredicted && label === 1) both += 1;
  }
  return [both, actual, predicted];
}

/** tfjs' losses give one value a sample, or several that count equally. One of the user's own may give the mean of all. */
function sumOverSamples(values: ArrayLike<number>, rows: number): number {
  if (values.length === 1) return (values[0] ?? Number.NaN) * rows;
  const perSample = values.length / rows;
  if (perSample < 1 || !Number.isInteger(perSample)) {
    const message = `Expected values for ${rows} samples, found ${values.length}. Nothing was evaluated.`;
    throw new StampedeError("engine.failed", message);
  }
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index] ?? 0;
  return sum / perSample;
}
