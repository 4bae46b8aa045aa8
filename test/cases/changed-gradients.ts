import type { GradientSettings } from "@stampede/core";
import * as tf from "@tensorflow/tfjs-core";
import type { Reference } from "./case.js";
import { trainPlainly, type PlainStep } from "./plain-reference.js";
import { tfjsReference } from "./tfjs-reference.js";

/**
 * For a model with the loss meanSquaredError: gradients by tfjs, changed in double precision, applied by tfjs' optimizer.
 */
export function gradientReference(settings: GradientSettings): Reference {
  return {
    train: (prepared) => trainPlainly(prepared, ["loss"], stepWith(settings)),
    infer: tfjsReference.infer,
  };
}

type Lists = ReadonlyMap<string, readonly number[]>;

function stepWith(settings: GradientSettings): PlainStep {
  let anchors: Lists | undefined;
  return (model, [x], [y]) => {
    if (x === undefined || y === undefined) throw new Error("a step of one input and one output");
    const { value, grads } = tf.variableGrads(() => {
      const predictions = model.apply(x, { training: true }) as tf.Tensor;
      return tf.mean(tf.square(tf.sub(predictions, y)));
    });
    const weights = new Map(
      Object.keys(grads).map((name) => [name, valuesOf(tf.engine().state.registeredVariables[name])]),
    );
    anchors ??= weights;
    const changed = changeGradients(settings, grads, weights, anchors);
    model.optimizer.applyGradients(changed);
    const [loss = Number.NaN] = value.dataSync();
    tf.dispose([value, ...Object.values(grads), ...Object.values(changed)]);
    return Promise.resolve([loss]);
  };
}

function changeGradients(
  { proximal = 0, clipValue = Infinity, clipNorm = Infinity, globalClipNorm = Infinity }: GradientSettings,
  grads: tf.NamedTensorMap,
  weights: Lists,
  anchors: Lists,
): tf.NamedTensorMap {
  const drift = (name: string, at: number): number => (weights.get(name)?.[at] ?? 0) - (anchors.get(name)?.[at] ?? 0);
  const lists = Object.entries(grads).map(([name, gradient]) => {
    const clipped = valuesOf(gradient)
      .map((value, at) => value + proximal * drift(name, at))
      .map((value) => Math.min(clipValue, Math.max(-clipValue, value)));
    return { name, shape: gradient.shape, values: shortened(clipped, normOf(clipped), clipNorm) };
  });
  const total = normOf(lists.flatMap(({ values }) => values));
  return Object.fromEntries(
    lists.map(({ name, shape, values }) => [name, tf.tensor(shortened(values, total, globalClipNorm), shape)]),
  );
}

function shortened(values: number[], norm: number, limit: number): number[] {
  return norm > limit ? values.map((value) => (value * limit) / norm) : values;
}

function normOf(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

function valuesOf(tensor: tf.Tensor | undefined): number[] {
  return Array.from(tensor?.dataSync() ?? []);
}
