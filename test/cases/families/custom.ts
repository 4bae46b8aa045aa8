import * as tf from "@tensorflow/tfjs-core";
import { initializers, layers, type LayersModel } from "@tensorflow/tfjs-layers";
import { sequentialCase, type Case, type Reference } from "../case.js";
import { floats } from "../data.js";
import { inferPlainly, trainOnBatch, trainPlainly, type Judge } from "../plain-reference.js";

type Shape = (number | null)[];

/** A layer of a user's own: x * sigmoid(scale * x), with a trained scale for each column. */
class SelfGate extends layers.Layer {
  static className = "SelfGate";
  #scale: LayersModel["weights"][number] | undefined;

  override build(shape: Shape): void {
    this.#scale = this.addWeight("scale", [Number(shape.at(-1))], "float32", initializers.ones());
    this.built = true;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x] = [inputs].flat();
    const scale = this.#scale;
    if (x === undefined || scale === undefined) throw new Error("a layer without input");
    return tf.tidy(() => tf.mul(x, tf.sigmoid(tf.mul(x, scale.read()))));
  }

  override computeOutputShape(shape: Shape): Shape {
    return shape;
  }
}
tf.serialization.registerClass(SelfGate);

/** Errors count more upwards than downwards. */
const lopsided: Judge = (labels, predictions) => {
  const error = tf.sub(labels, predictions);
  return tf.mean(tf.maximum(tf.mul(error, 0.8), tf.mul(error, -0.2)), -1);
};

const largestError: Judge = (labels, predictions) => tf.max(tf.abs(tf.sub(labels, predictions)), -1);

const judges = { loss: lopsided, largestError };

const plainReference: Reference = {
  train: (prepared) => trainPlainly(prepared, Object.keys(judges), trainOnBatch),
  infer: (prepared, weights, data) => Promise.resolve(inferPlainly(prepared, weights, data, judges)),
};

const middle = (gate: boolean) => () => [
  layers.dense({ units: 8, activation: "tanh", inputShape: [6] }),
  ...(gate ? [new SelfGate({})] : []),
  layers.dense({ units: 2 }),
];

export const customCases: readonly Case[] = [
  sequentialCase("a layer of the user's own", middle(true), [floats([6]), floats([2])], {
    loss: "meanSquaredError",
    metrics: ["mae"],
    extraRows: 3,
  }),
  sequentialCase("a loss and a metric of the user's own", middle(false), [floats([6]), floats([2])], {
    loss: lopsided,
    metrics: [largestError],
    optimizer: () => tf.train.momentum(0.1, 0.9),
    reference: plainReference,
  }),
  sequentialCase("layer, loss and metric of the user's own", middle(true), [floats([6]), floats([2])], {
    loss: lopsided,
    metrics: [largestError],
    reference: plainReference,
    extraRows: 3,
  }),
];
