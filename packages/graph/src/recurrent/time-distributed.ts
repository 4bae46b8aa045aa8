import type * as Tf from "@tensorflow/tfjs-core";
import { loadCore, loadLayers } from "../tfjs.js";
import { hookMethod } from "../trace/hook.js";
import { isTensor } from "./cells.js";

type TimeDistributed = ReturnType<ReturnType<typeof loadLayers>["layers"]["timeDistributed"]>;

/** tfjs' layers that treat every row by itself: the steps of a sequence can then be rows beside each other. */
const rowByRow: ReadonlySet<string> = new Set([
  "Activation",
  "AveragePooling1D",
  "AveragePooling2D",
  "Conv1D",
  "Conv2D",
  "Conv2DTranspose",
  "Dense",
  "DepthwiseConv2D",
  "ELU",
  "Embedding",
  "Flatten",
  "GlobalAveragePooling1D",
  "GlobalAveragePooling2D",
  "GlobalMaxPooling1D",
  "GlobalMaxPooling2D",
  "LayerNormalization",
  "LeakyReLU",
  "MaxPooling1D",
  "MaxPooling2D",
  "Permute",
  "PReLU",
  "ReLU",
  "RepeatVector",
  "Reshape",
  "SeparableConv2D",
  "Softmax",
  "UpSampling2D",
  "ZeroPadding2D",
]);

/**
 * While `work` runs, `timeDistributed` calls such a layer once for all steps, not once for each. Others (with random numbers, or with
 * statistics of a batch) are called step by step, as tfjs does.
 */
export function withTimeDistributedLayers<T>(work: () => T): T {
  const { layers } = loadLayers();
  const wrapper: unknown = Object.getPrototypeOf(layers.timeDistributed({ layer: layers.flatten() }));
  if (!isWrapper(wrapper)) throw new Error("tfjs has no timeDistributed layers");
  const original: unknown = Reflect.get(wrapper, "call");
  const restore = hookMethod(wrapper, "call", function call(this: TimeDistributed, inputs, kwargs) {
    const x = Array.isArray(inputs) ? inputs[0] : inputs;
    if (x === undefined || !rowByRow.has(this.layer.getClassName())) return stepByStep(original, this, inputs, kwargs);
    return loadCore().tidy(() => asRows(this, x, kwargs));
  });
  try {
    return work();
  } finally {
    restore();
  }
}

function isWrapper(value: unknown): value is TimeDistributed {
  return typeof value === "object" && value !== null && "call" in value;
}

function stepByStep(original: unknown, layer: TimeDistributed, ...args: readonly unknown[]): Tf.Tensor {
  const result: unknown = typeof original === "function" ? Reflect.apply(original, layer, args) : undefined;
  if (!isTensor(result)) throw new Error("a layer without a result");
  return result;
}

function asRows({ layer }: TimeDistributed, x: Tf.Tensor, kwargs: Parameters<TimeDistributed["call"]>[1]): Tf.Tensor {
  const tf = loadCore();
  const [rows = 0, steps = 0, ...others] = x.shape;
  const [result] = [layer.call(tf.reshape(x, [rows * steps, ...others]), kwargs)].flat();
  if (!isTensor(result)) throw new Error("a layer without a result");
  return tf.reshape(result, [rows, steps, ...result.shape.slice(1)]);
}
