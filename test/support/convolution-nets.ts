import { fc } from "@fast-check/vitest";
import { uniformStream } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import { tf, type Given, type Run } from "./traced.js";

type Pair = [number, number];
type Padding = "same" | "valid";
interface Windows {
  readonly size: Pair;
  readonly strides: Pair;
  readonly pad: Padding;
}

type NetLayer =
  | ({ readonly kind: "conv"; readonly filters: number; readonly bias: boolean } & Windows)
  | ({ readonly kind: "depthwise" } & Windows)
  | ({ readonly kind: "max" } & Windows)
  | ({ readonly kind: "mean" } & Windows)
  | { readonly kind: "relu" | "tanh" | "gate" | "residual" | "normalise" | "places" };

/** A net of pictures that all of its results and gradients are computed of. */
export interface Net {
  readonly x: readonly [number, number, number, number];
  readonly layers: readonly NetLayer[];
  readonly seed: number;
}

/** A net as tfjs code, and tensors to run it with: x and what it is weighted with, then the parameters. */
export interface RunnableNet {
  readonly run: Run;
  readonly inputs: readonly Given[];
}

const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max });
const windows = (size: number, strides: number): Record<"size" | "strides" | "pad", fc.Arbitrary<never>> =>
  ({
    size: fc.tuple(upTo(size), upTo(size)),
    strides: fc.tuple(upTo(strides), upTo(strides)),
    pad: fc.constantFrom("same", "valid"),
  }) as never;

const conv: fc.Arbitrary<Extract<NetLayer, { kind: "conv" }>> = fc.record({
  kind: fc.constant("conv" as const),
  filters: fc.constantFrom(16, 16, 32, 8, 10, 20, 3),
  bias: fc.boolean(),
  ...windows(3, 2),
});
const other: fc.Arbitrary<NetLayer> = fc.oneof(
  fc.record({ kind: fc.constant("depthwise" as const), ...windows(3, 2) }),
  fc.record({ kind: fc.constant("max" as const), ...windows(3, 3) }),
  // Of one, two or four elements, so that means are exact.
  fc.record({ kind: fc.constant("mean" as const), ...windows(2, 3) }),
  fc.constantFrom<NetLayer>({ kind: "relu" }, { kind: "residual" }),
);
const sides = fc.constantFrom(1, 2, 5, 8, 12, 15, 16, 17);
const manySides = fc.constantFrom(8, 12, 15, 16, 17);
const shapes = fc.tuple(upTo(3), sides, sides, fc.constantFrom(1, 3, 8, 16, 17));

/** Of whole numbers: sums are exact in whatever order, so that ties and relus fall alike. */
export const exactNets: fc.Arbitrary<Net> = fc
  .record({
    x: shapes,
    layers: fc.tuple(conv, other, other, conv, other).map((layers): readonly NetLayer[] => layers),
    seed: fc.nat(1000),
  })
  .filter(isPossible);

/** Smooth, with everything that follows from a normalisation. */
export const smoothNets: fc.Arbitrary<Net> = fc
  .record({
    // Of few places a normalisation leaves hardly anything but rounding.
    x: fc.tuple(fc.integer({ min: 2, max: 3 }), manySides, manySides, fc.constantFrom(3, 16, 24)),
    layers: fc
      .tuple(conv, fc.constantFrom("normalise", "gate", "places"), conv, fc.constantFrom("normalise", "places"))
      .map(([first, a, second, b]): readonly NetLayer[] => [
        // Whatever a bias is, the means are taken away: its gradient would be nothing but rounding.
        { ...first, bias: first.bias && a === "gate" },
        { kind: a },
        { kind: "tanh" },
        { ...second, bias: false },
        { kind: b },
      ]),
    seed: fc.nat(1000),
  })
  .filter(isPossible);

/** Every window has an element, and every picture a place. */
function isPossible({ x: [, height, width], layers }: Net): boolean {
  let sizes = [height, width];
  for (const layer of layers) {
    if (!("pad" in layer)) continue;
    const { kind, size, pad } = layer;
    const strides = kind === "depthwise" ? [layer.strides[0], layer.strides[0]] : layer.strides;
    sizes = sizes.map((extent, axis) => {
      const free = pad === "same" ? extent : extent - (size[axis] ?? 1) + 1;
      return Math.ceil(free / (strides[axis] ?? 1));
    });
    if (sizes.some((extent) => extent <= 0)) return false;
  }
  return true;
}

export function runnable({ x: shape, layers, seed }: Net): RunnableNet {
  const random = uniformStream(seed);
  const given = (dims: readonly number[], most: number): Given => {
    const size = dims.reduce((product, extent) => product * extent, 1);
    return {
      dtype: "float32",
      shape: dims,
      values: Array.from({ length: size }, () => Math.round((random() * 2 - 1) * most)),
    };
  };
  const smooth = layers.some(({ kind }) => kind === "tanh") ? 0.1 : 1;
  const scaled = (each: Given): Given => ({ ...each, values: each.values.map((value) => value * smooth) });
  const parameters: Given[] = [];
  let channels = shape[3];
  for (const layer of layers) {
    if (layer.kind === "conv") {
      parameters.push(scaled(given([...layer.size, channels, layer.filters], 1)));
      if (layer.bias) parameters.push(scaled(given([layer.filters], 2)));
      channels = layer.filters;
    } else if (layer.kind === "depthwise") parameters.push(scaled(given([...layer.size, channels, 1], 1)));
    else if (layer.kind === "normalise") parameters.push(given([channels], 3), given([channels], 3));
  }
  const first = given(shape, 3);
  const result = tf.tidy(
    () =>
      forward(
        layers,
        tf.zeros([...shape]),
        parameters.map(({ shape: of }) => tf.zeros([...of])),
      ).shape,
  );
  const weighting = given(result, 2);
  const run: Run = (input, factors, ...others) => {
    const f = (picture: Tf.Tensor, ...values: Tf.Tensor[]): Tf.Tensor => forward(layers, picture, values);
    if (factors === undefined || input === undefined) throw new Error("a net without inputs");
    const { value, grads } = tf.valueAndGrads((...all: Tf.Tensor[]) => {
      const [picture = input, ...values] = all;
      return tf.sum(tf.mul(f(picture, ...values), factors));
    })([input, ...others]);
    return [value, ...grads];
  };
  return { run, inputs: [first, weighting, ...parameters] };
}

function forward(layers: readonly NetLayer[], x: Tf.Tensor, parameters: readonly Tf.Tensor[]): Tf.Tensor {
  const left = [...parameters];
  const next = (): Tf.Tensor => left.shift() ?? tf.scalar(0);
  let y = x as Tf.Tensor4D;
  for (const layer of layers) {
    switch (layer.kind) {
      case "conv":
        y = tf.conv2d(y, next() as Tf.Tensor4D, layer.strides, layer.pad);
        if (layer.bias) y = tf.add(y, next());
        break;
      case "depthwise":
        // tfjs has no gradient for strides that differ.
        y = tf.depthwiseConv2d(y, next() as Tf.Tensor4D, [layer.strides[0], layer.strides[0]], layer.pad);
        break;
      case "max":
        y = tf.maxPool(y, layer.size, layer.strides, layer.pad);
        break;
      case "mean":
        y = tf.avgPool(y, layer.size, layer.strides, layer.pad);
        break;
      case "relu":
        y = tf.relu(y);
        break;
      case "tanh":
        y = tf.tanh(y);
        break;
      case "residual":
        y = tf.sub(tf.add(y, tf.relu(y)), tf.mul(y, 2));
        break;
      case "gate":
        y = tf.sub(tf.mul(y, tf.sigmoid(y)), y);
        break;
      case "places":
        y = tf.sub(y, tf.mean(y, [1, 2], true));
        break;
      case "normalise": {
        const { mean, variance } = tf.moments(y, [0, 1, 2]);
        y = tf.batchNorm4d(
          y,
          mean as Tf.Tensor1D,
          variance as Tf.Tensor1D,
          next() as Tf.Tensor1D,
          next() as Tf.Tensor1D,
          0.01,
        );
        break;
      }
    }
  }
  return y;
}
