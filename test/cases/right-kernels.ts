import * as tf from "@tensorflow/tfjs-core";
import type { Case } from "./case.js";

type Kernels = NonNullable<Case["corrected"]>;

/**
 * tfjs' CPU kernel reads `dy` with the strides of the images, and so from wrong places for all rows of a batch but the first. Here each
 * element of the gradient is the sum over all places that it was copied to.
 */
export const nearestGradient: Kernels = {
  ResizeNearestNeighborGrad: ({ inputs }) => {
    const { images, dy } = inputs;
    if (images === undefined || dy === undefined) throw new Error("a gradient without inputs");
    const [batch = 0, height = 0, width = 0, depth = 0] = images.shape;
    const [, tall = 0, wide = 0] = dy.shape;
    const given = tf.engine().readSync(dy.dataId) as Float32Array;
    const gradient = new Float32Array(batch * height * width * depth);
    for (const [at, value] of given.entries()) {
      const channel = at % depth;
      const column = Math.floor(at / depth) % wide;
      const row = Math.floor(at / (depth * wide)) % tall;
      const image = Math.floor(at / (depth * wide * tall));
      const [y, x] = [Math.floor((row * height) / tall), Math.floor((column * width) / wide)];
      const to = ((image * height + y) * width + x) * depth + channel;
      gradient[to] = (gradient[to] ?? 0) + value;
    }
    return tf.tensor(gradient, images.shape);
  },
};

/** tfjs' CPU kernel computes it rightly, and exchanges height and width in the shape of the result. */
export const bilinearGradient: Kernels = {
  ResizeBilinearGrad: (parameters) => {
    const { images } = parameters.inputs;
    const result = [original("ResizeBilinearGrad")(parameters)].flat()[0];
    if (images === undefined || result === undefined) throw new Error("a gradient without inputs");
    return { ...result, shape: images.shape };
  },
};

/** tfjs' CPU kernel goes through mean, variance, scale and offset again and again, whatever dimension they belong to. */
export const batchNorm: Kernels = {
  FusedBatchNorm: ({ inputs, attrs }) => {
    const { x, mean, variance, scale, offset } = inputs;
    const { varianceEpsilon = 0.001 } = attrs ?? {};
    if (x === undefined) throw new Error("a kernel without inputs");
    const [center, spread, factor, shift] = [mean, variance, scale, offset].map((info) => broadcast(info, x.shape));
    const values = tf.engine().readSync(x.dataId) as Float32Array;
    const normal = values.map((value, at) => {
      const deviation = Math.sqrt((spread?.(at) ?? 1) + Number(varianceEpsilon));
      return ((value - (center?.(at) ?? 0)) / deviation) * (factor?.(at) ?? 1) + (shift?.(at) ?? 0);
    });
    return tf.tensor(normal, x.shape);
  },
};

/** The element of a tensor that belongs to the element `at` of a tensor of `shape`. */
function broadcast(info: tf.TensorInfo | undefined, shape: readonly number[]): (at: number) => number | undefined {
  if (info === undefined) return () => undefined;
  const values = tf.engine().readSync(info.dataId) as Float32Array;
  const own = [...Array<number>(shape.length - info.shape.length).fill(1), ...info.shape];
  return (at) => {
    let [rest, stride, index] = [at, 1, 0];
    for (const [axis, extent] of [...shape.entries()].toReversed()) {
      const ownExtent = own[axis] ?? 1;
      if (ownExtent > 1) index += (rest % extent) * stride;
      rest = Math.floor(rest / extent);
      stride *= ownExtent;
    }
    return values[index];
  };
}

const originals = new Map<string, tf.KernelFunc>();

/** tfjs' own kernel, whatever is registered in its place later. */
function original(name: string): tf.KernelFunc {
  const found = originals.get(name);
  if (found === undefined) throw new Error(`the kernel ${name} was not kept`);
  return found;
}

/** Puts right kernels in the places of wrong ones of tfjs' CPU backend. */
export function correctKernels(corrected: Kernels): () => void {
  const replaced = Object.entries(corrected).map(([kernelName, kernelFunc]) => {
    const before = tf.getKernel(kernelName, "cpu");
    originals.set(kernelName, before.kernelFunc);
    tf.unregisterKernel(kernelName, "cpu");
    tf.registerKernel({ kernelName, backendName: "cpu", kernelFunc });
    return before;
  });
  return () => {
    for (const before of replaced) {
      tf.unregisterKernel(before.kernelName, "cpu");
      tf.registerKernel(before);
    }
  };
}
