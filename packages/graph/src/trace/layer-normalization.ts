import type * as Tf from "@tensorflow/tfjs-core";
import type { layers as Layers, LayersModel } from "@tensorflow/tfjs-layers";
import { loadCore } from "../tfjs.js";
import { hookMethod } from "./hook.js";

type Layer = Layers.Layer;

/** What tfjs' layer keeps, in TypeScript's private fields. */
interface Normalization {
  readonly axis: number | readonly number[];
  readonly epsilon: number;
  readonly gamma: { read(): Tf.Tensor };
  readonly beta: { read(): Tf.Tensor };
}

/**
 * Runs `work` with tfjs' LayerNormalization layers in closed form. tfjs' own repeats mean and variance over whole rows before it
 * normalises, and the gradient of that is one slice and one addition for every repetition: thousands of nodes. Layers are as before when
 * it returns.
 */
export function withLayerNormalization<T>(model: LayersModel, work: () => T): T {
  const restore = normalizationsOf(model.layers).map(({ layer, parts }) =>
    hookMethod(layer, "call", (inputs) => normalised([inputs].flat(), parts)),
  );
  try {
    return work();
  } finally {
    for (const undo of restore) undo();
  }
}

function normalizationsOf(
  layers: readonly Layer[],
): readonly { readonly layer: Layer; readonly parts: Normalization }[] {
  return layers.flatMap((layer) => {
    const inner: unknown = Reflect.get(layer, "layers");
    if (Array.isArray(inner)) return normalizationsOf(inner.filter(isLayer));
    if (layer.getClassName() !== "LayerNormalization") return [];
    const parts: unknown = layer;
    // Without scale or center tfjs cannot train it, and is left to say so.
    return isNormalization(parts) ? [{ layer, parts }] : [];
  });
}

function isLayer(value: unknown): value is Layer {
  return typeof value === "object" && value !== null && "getClassName" in value;
}

function isNormalization(value: unknown): value is Normalization {
  if (typeof value !== "object" || value === null) return false;
  const has = (name: string): boolean =>
    typeof Reflect.get(value, name) === "object" && Reflect.get(value, name) !== null;
  return has("gamma") && has("beta") && "axis" in value && "epsilon" in value;
}

function normalised([x]: readonly Tf.Tensor[], { axis, epsilon, gamma, beta }: Normalization): Tf.Tensor {
  if (x === undefined) throw new Error("a layer without input");
  const tf = loadCore();
  const axes = [axis].flat();
  const others = x.shape.flatMap((_, index) => (axes.includes(index) ? [] : [index]));
  const factors = x.shape.map((extent, index) => (axes.includes(index) ? extent : 1));
  const compute = tf.customGrad((...given) => {
    const [input, scale, offset] = given.filter((each): each is Tf.Tensor => typeof each !== "function");
    if (input === undefined || scale === undefined || offset === undefined) {
      throw new Error("a normalisation without inputs");
    }
    const centred = tf.sub(input, tf.mean(input, axes, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), axes, true), epsilon));
    const standard = tf.mul(centred, inverse);
    const wide = tf.reshape(scale, factors);
    const value = tf.add(tf.mul(standard, wide), tf.reshape(offset, factors));
    const gradFunc = (dy: Tf.Tensor): Tf.Tensor[] => {
      const inner = tf.mul(dy, wide);
      const shared = tf.mul(standard, tf.mean(tf.mul(inner, standard), axes, true));
      const dx = tf.mul(tf.sub(tf.sub(inner, tf.mean(inner, axes, true)), shared), inverse);
      const ofFactors = (each: Tf.Tensor): Tf.Tensor =>
        tf.reshape(others.length === 0 ? each : tf.sum(each, others), [...scale.shape]);
      return [dx, ofFactors(tf.mul(dy, standard)), ofFactors(dy)];
    };
    return { value, gradFunc };
  });
  return compute(x, gamma.read(), beta.read());
}
