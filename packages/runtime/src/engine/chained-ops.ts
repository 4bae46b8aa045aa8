import type * as Tf from "@tensorflow/tfjs-core";

type Chained = (this: Tf.Tensor, ...args: never[]) => Tf.Tensor;

/**
 * Adds to tensors the few chained operations that tfjs-layers itself calls (in its orthogonal initializer, the default of LSTM and GRU)
 * but only the package @tensorflow/tfjs defines. Those that are there stay.
 */
export function defineChainedOps(tf: typeof Tf): void {
  const needed: Readonly<Record<string, Chained>> = {
    flatten() {
      return tf.reshape(this, [this.size]);
    },
    reshape(shape: number[]) {
      return tf.reshape(this, shape);
    },
    sign() {
      return tf.sign(this);
    },
    stridedSlice(begin: number[], end: number[], strides: number[]) {
      return tf.stridedSlice(this, begin, end, strides);
    },
    transpose(permutation?: number[]) {
      return tf.transpose(this, permutation);
    },
  };
  for (const [name, operation] of Object.entries(needed)) {
    if (!(name in tf.Tensor.prototype)) Reflect.set(tf.Tensor.prototype, name, operation);
  }
}
