import { encodedWidth, encodeRows, type MetricStates, type PartitionData } from "@stampede/core";
import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Case, Inferred, Prepared, Trained } from "./case.js";
import { ranges } from "./infer.js";

type Fed = readonly tf.Tensor[];
type Rows = { readonly from: number; readonly to: number };
/** @returns loss and metrics */
export type PlainStep = (model: LayersModel, x: Fed, y: Fed) => Promise<readonly number[]>;

/**
 * A model as its program compiled it, trained by tfjs alone: nothing of Stampede's is in it. Its optimizer's memory is not looked at.
 * @param labels names of what `step` returns
 */
export async function trainPlainly(prepared: Prepared, labels: readonly string[], step: PlainStep): Promise<Trained> {
  const { case: each, data, batchSize, batches } = prepared;
  const model = withWeights(each, prepared.weights);
  const outcomes: MetricStates[] = [];
  for (let batch = 0; batch < batches; batch += 1) {
    const rows = { from: batch * batchSize, to: Math.min(data.rows, (batch + 1) * batchSize) };
    const [x, y] = [fed(data, "feature", rows), fed(data, "label", rows)];
    outcomes.push(states(labels, await step(model, x, y)));
    tf.dispose([...x, ...y]);
  }
  const weights = new Map(
    [...prepared.weights].map(([name, { shape }], index) => {
      const values = model.weights[index]?.read().dataSync<"float32">() ?? new Float32Array();
      return [name, { dtype: "float32" as const, shape, data: values.slice() }];
    }),
  );
  model.dispose();
  return { weights, optimizer: new Map(), batches: outcomes };
}

/** The step of a program that calls `trainOnBatch`. */
export const trainOnBatch: PlainStep = async (model, x, y) => [await model.trainOnBatch([...x], [...y])].flat();

/** Loss and metrics of single rows: one number a row each. */
export type Judge = (labels: tf.Tensor, predictions: tf.Tensor) => tf.Tensor;

/** Of a model with one output. */
export function inferPlainly(
  { case: each }: Prepared,
  weights: Prepared["weights"],
  data: PartitionData,
  judges: Readonly<Record<string, Judge>>,
): Inferred {
  const model = withWeights(each, weights);
  const inferred = ranges.map(({ fromRow: from, toRow: to }) => {
    const [x, [y]] = [fed(data, "feature", { from, to }), fed(data, "label", { from, to })];
    const predictions = model.predict([...x]) as tf.Tensor;
    if (y === undefined) throw new Error("data without labels");
    const values = Object.values(judges).map((judge) => tf.mean(judge(y, predictions)).dataSync()[0] ?? Number.NaN);
    return {
      metrics: states(Object.keys(judges), values),
      output: Array.from(predictions.dataSync()),
      shape: predictions.shape,
    };
  });
  model.dispose();
  return {
    metrics: inferred.map(({ metrics }) => metrics),
    outputs: [inferred.flatMap(({ output }) => output)],
    shapes: inferred.flatMap(({ shape }) => shape),
  };
}

/** All predictions of the model that the program built, output by output. */
export function predictPlainly(each: Case, weights: Prepared["weights"], data: PartitionData): Inferred["outputs"] {
  const model = withWeights(each, weights);
  const outputs: number[][] = [];
  for (const { fromRow: from, toRow: to } of ranges) {
    const results = [model.predict([...fed(data, "feature", { from, to })])].flat();
    for (const [index, result] of results.entries()) {
      outputs[index] = [...(outputs[index] ?? []), ...result.dataSync()];
    }
  }
  model.dispose();
  return outputs;
}

/** Past `setWeights`, which applies constraints. */
function withWeights(each: Case, weights: Prepared["weights"]): LayersModel {
  const model = each.build();
  const values = [...weights.values()];
  for (const [index, weight] of model.weights.entries()) {
    const { data, shape } = values[index] ?? { data: [], shape: [] };
    const variable = weight.read() as tf.Variable;
    tf.tidy(() => variable.assign(tf.tensor(Array.from(data, Number), [...shape])));
  }
  return model;
}

function fed({ fields }: PartitionData, role: "feature" | "label", rows: Rows): Fed {
  return fields
    .filter(({ field }) => field.role === role)
    .map(({ field, tensor }) => {
      const count = rows.to - rows.from;
      const values = new Float32Array(count * encodedWidth(field));
      encodeRows(field, tensor.data, rows, values);
      return tf.tensor(values, [count, ...(field.shape.length === 0 ? [1] : field.shape)]);
    });
}

function states(labels: readonly string[], values: readonly number[]): MetricStates {
  return Object.fromEntries(
    labels.map((label, index) => [label, { kind: "mean" as const, sums: [values[index] ?? Number.NaN, 1] }]),
  );
}
