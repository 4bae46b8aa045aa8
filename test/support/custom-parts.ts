import * as tf from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";

/** Parts of a model that tfjs does not have, as a user writes them. */

export class Doubling extends layers.Layer {
  static readonly className = "Doubling";

  override computeOutputShape(inputShape: (number | null)[]): (number | null)[] {
    return inputShape;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [input] = [inputs].flat();
    if (input === undefined) throw new Error("no input");
    return tf.mul(input, 2);
  }
}
tf.serialization.registerClass(Doubling);

/** One value a sample. */
export function scaledError(labels: tf.Tensor, predictions: tf.Tensor): tf.Tensor {
  return tf.mean(tf.mul(tf.square(tf.sub(labels, predictions)), 3), -1);
}

/** One value for all samples. */
export function wholeError(labels: tf.Tensor, predictions: tf.Tensor): tf.Tensor {
  return tf.mean(tf.abs(tf.sub(labels, predictions)));
}
