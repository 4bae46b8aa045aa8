import {
  deriveKey,
  encodedWidth,
  encodeRows,
  uniformStream,
  type EngineName,
  type PartitionData,
} from "@stampede/core";
import { createEngine } from "@stampede/runtime";
import type { EngineHarness, PlainFit, PlainOutcome } from "@stampede/testing";
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";

/** A tfjs engine and, as its reference, tfjs' own model on the same backend. */
export async function tfjsHarness(name: Exclude<EngineName, "compiled">): Promise<EngineHarness> {
  const engine = await createEngine(name);
  return { engine, liveTensors: () => tf.memory().numTensors, fit, predict: stockPredict };
}

async function fit(plain: PlainFit): Promise<PlainOutcome> {
  const original = Math.random;
  try {
    return await stockFit(plain, (batch) => {
      Math.random = uniformStream(deriveKey(plain.randomKey, batch));
    });
  } finally {
    Math.random = original;
  }
}

/** tfjs' own fit on the backend in use. */
export async function stockFit(
  { definition, weights, data, batchSize }: PlainFit,
  beforeBatch: (batch: number) => void,
): Promise<PlainOutcome> {
  const model = await stockModel({ definition, weights });
  const optimizer = optimizerOf(definition.training.optimizer_config);
  const { loss, metrics } = definition.training;
  model.compile({ optimizer, loss, metrics: metrics as string[] });
  const inputs = tensorsOf(data, "feature");
  const labels = tensorsOf(data, "label");
  const batches: number[][] = [];
  await model.fit(inputs, labels, {
    batchSize,
    shuffle: false,
    yieldEvery: "never",
    verbose: 0,
    callbacks: {
      onBatchBegin: beforeBatch,
      onBatchEnd: (_batch: number, logs?: tf.NamedTensorMap | Record<string, unknown>) => {
        batches.push(model.metricsNames.map((label) => Number(logs?.[label])));
      },
    },
  });
  const trained = new Map(
    model.weights.map((weight) => {
      const tensor = weight.read();
      return [
        weight.originalName,
        { dtype: "float32" as const, shape: tensor.shape, data: tensor.dataSync<"float32">().slice() },
      ];
    }),
  );
  tf.dispose([...inputs, ...labels]);
  model.dispose();
  return { weights: trained, batches };
}

export async function stockPredict({
  definition,
  weights,
  data,
}: Pick<PlainFit, "definition" | "weights" | "data">): Promise<Float32Array[]> {
  const model = await stockModel({ definition, weights });
  const inputs = tensorsOf(data, "feature");
  const outputs = [model.predict(inputs)].flat();
  const values = outputs.map((output) => output.dataSync<"float32">().slice());
  tf.dispose([...inputs, ...outputs]);
  model.dispose();
  return values;
}

async function stockModel({ definition, weights }: Pick<PlainFit, "definition" | "weights">): Promise<tfl.LayersModel> {
  const model = await tfl.models.modelFromJSON(definition.topology);
  const values = model.weights.map(({ originalName, shape }) =>
    tf.tensor(weights.get(originalName)?.data ?? [], shape as number[]),
  );
  model.setWeights(values);
  tf.dispose(values);
  return model;
}

function tensorsOf({ rows, fields }: PartitionData, role: "feature" | "label"): tf.Tensor[] {
  return fields
    .filter(({ field }) => field.role === role)
    .map(({ field, tensor }) => {
      const values = new Float32Array(rows * encodedWidth(field));
      encodeRows(field, tensor.data, { from: 0, to: rows }, values);
      return tf.tensor(values, [rows, ...(field.shape.length === 0 ? [1] : field.shape)]);
    });
}

function optimizerOf({
  class_name: name,
  config,
}: PlainFit["definition"]["training"]["optimizer_config"]): tf.Optimizer {
  const { learningRate, beta1, beta2, epsilon } = config as Record<string, number>;
  if (name === "SGD") return tf.train.sgd(learningRate ?? Number.NaN);
  if (name === "Adam") return tf.train.adam(learningRate, beta1, beta2, epsilon);
  throw new Error(`the reference has no optimizer ${name}`);
}
