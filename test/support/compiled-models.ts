import {
  graphNameOf,
  graphNamesFor,
  permutation,
  tensorOf,
  uniformStream,
  type EngineSession,
  type Field,
  type GraphRequest,
  type GraphSource,
  type ModelDefinition,
  type NamedTensors,
  type PartitionData,
  type TrainRequest,
} from "@stampede/core";
import { createGraphCompiler, withSeededRandom, type CustomFunctions } from "@stampede/runtime";
import type * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";

/** Rows of a byte for each of `inputs`, and one of `classes` classes. */
export function classRows(rows: number, inputs = 6, classes = 3, key = 5): PartitionData {
  const next = uniformStream(key);
  const bytes = (length: number, below: number): Uint8Array =>
    Uint8Array.from({ length }, () => Math.floor(next() * below));
  const pixels: Field = {
    name: "x",
    role: "feature",
    storage: "uint8",
    storedShape: [inputs],
    shape: [inputs],
    encoding: { kind: "affine", subtract: [0], divide: [255] },
  };
  const label: Field = {
    name: "y",
    role: "label",
    storage: "uint8",
    storedShape: [],
    shape: [classes],
    encoding: { kind: "oneHot", classes },
  };
  return {
    rows,
    fields: [
      { field: pixels, tensor: tensorOf(bytes(rows * inputs, 256), [rows, inputs]) },
      { field: label, tensor: tensorOf(bytes(rows, classes), [rows]) },
    ],
  };
}

/** For `classRows`: a hidden layer, dropout and three classes, with weights that are always the same. */
export function noisyClassifier(optimizer: tf.Optimizer, changes: Partial<tfl.ModelCompileArgs> = {}): tfl.Sequential {
  const model = withSeededRandom(1, () =>
    tfl.sequential({
      layers: [
        tfl.layers.dense({ units: 8, activation: "tanh", inputShape: [6], name: "hidden" }),
        tfl.layers.dropout({ rate: 0.4 }),
        tfl.layers.dense({ units: 3, activation: "softmax", name: "classes" }),
      ],
    }),
  );
  model.compile({ optimizer, loss: "categoricalCrossentropy", metrics: ["accuracy"], ...changes });
  return model;
}

/** All batches of the data, in an order that is shuffled. */
export function wholeEpoch(data: PartitionData, batchSize: number, changes: Partial<TrainRequest> = {}): TrainRequest {
  const order = permutation(data.rows, 2);
  return {
    data,
    order,
    batchSize,
    fromBatch: 0,
    toBatch: Math.ceil(data.rows / batchSize),
    randomKey: 11,
    ...changes,
  };
}

export function fieldsOf({ fields }: PartitionData): readonly Field[] {
  return fields.map(({ field }) => field);
}

/** Graphs as a job stores them: bytes by name, without a compiler. Those that nobody compiled are refused. */
export async function storedGraphs(
  definition: ModelDefinition,
  requests: readonly GraphRequest[],
  custom?: CustomFunctions,
): Promise<GraphSource & { readonly bytes: Map<string, Uint8Array> }> {
  const compiler = await createGraphCompiler(definition, custom);
  try {
    const bytes = new Map(
      requests.map((request): [string, Uint8Array] => [graphNameOf(request), compiler.compile(request).bytes]),
    );
    return {
      bytes,
      load: async (request) => {
        const [found] = graphNamesFor(request).flatMap((name) => bytes.get(name) ?? []);
        const plainName = request.kind === "train" ? `train-${request.batchSize}` : request.kind;
        if (found === undefined) throw new Error(`no graph ${plainName} is stored`);
        return found;
      },
    };
  } finally {
    compiler.dispose();
  }
}

/** Closes the session whatever happens. */
export async function using<T>(session: EngineSession, use: (session: EngineSession) => Promise<T>): Promise<T> {
  try {
    return await use(session);
  } finally {
    session.close();
  }
}

/** How far two sets of tensors are from each other, at most. */
export function distance(a: NamedTensors, b: NamedTensors): number {
  let most = 0;
  for (const [name, { data }] of a) {
    const other = b.get(name)?.data ?? [];
    for (const [index, value] of data.entries()) {
      const off = Math.abs(value - (other[index] ?? Number.NaN));
      if (!(off <= most)) most = off;
    }
  }
  return most;
}
