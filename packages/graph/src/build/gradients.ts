import { StampedeError, type GradientSettings } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import { loadCore } from "../tfjs.js";
import { hookMethod } from "../trace/hook.js";

/** A gradient with the name of its variable (`Variable.name`). */
interface Gradient {
  readonly name: string;
  readonly tensor: Tf.Tensor;
}

/** Where a variable was when the round began; asked for only with a proximal term. */
export type AnchorOf = (variable: Tf.Variable) => Tf.Tensor;

/**
 * Lets an optimizer see changed gradients, by plain tfjs operations: the same for tfjs' own engines and for a trace.
 * @returns a function that takes the change back
 */
export function changeGradients(optimizer: Tf.Optimizer, settings: GradientSettings, anchorOf: AnchorOf): () => void {
  const apply = optimizer.applyGradients.bind(optimizer);
  return hookMethod(optimizer, "applyGradients", (given) => {
    const gradients = changedGradients(listed(given), settings, anchorOf);
    return apply(gradients.map(({ name, tensor }) => ({ name, tensor })));
  });
}

function listed(given: Parameters<Tf.Optimizer["applyGradients"]>[0]): readonly Gradient[] {
  if (Array.isArray(given)) return given;
  return Object.entries(given).map(([name, tensor]) => ({ name, tensor }));
}

function changedGradients(
  gradients: readonly Gradient[],
  { proximal, clipValue, clipNorm, globalClipNorm }: GradientSettings,
  anchorOf: AnchorOf,
): readonly Gradient[] {
  const tf = loadCore();
  const each = (change: (tensor: Tf.Tensor, name: string) => Tf.Tensor) => (list: readonly Gradient[]) =>
    list.map(({ name, tensor }) => ({ name, tensor: change(tensor, name) }));
  const changes: ((list: readonly Gradient[]) => readonly Gradient[])[] = [];
  if (proximal !== undefined) {
    changes.push(each((tensor, name) => tf.add(tensor, tf.mul(drift(name, anchorOf), proximal))));
  }
  if (clipValue !== undefined) changes.push(each((tensor) => tf.clipByValue(tensor, -clipValue, clipValue)));
  if (clipNorm !== undefined) changes.push(each((tensor) => scaledDown(tensor, normOf([tensor]), clipNorm)));
  if (globalClipNorm !== undefined) {
    changes.push((list) => {
      const norm = normOf(list.map(({ tensor }) => tensor));
      return list.map(({ name, tensor }) => ({ name, tensor: scaledDown(tensor, norm, globalClipNorm) }));
    });
  }
  return changes.reduce((list, change) => change(list), gradients);
}

/** How far a weight has moved since the round began. */
function drift(name: string, anchorOf: AnchorOf): Tf.Tensor {
  const tf = loadCore();
  const variable = tf.engine().state.registeredVariables[name];
  if (variable === undefined) throw new StampedeError("engine.failed", `Expected a variable "${name}", found none.`);
  return tf.sub(variable, anchorOf(variable));
}

function normOf(tensors: readonly Tf.Tensor[]): Tf.Tensor {
  const tf = loadCore();
  return tf.sqrt(tf.addN(tensors.map((tensor) => tf.sum(tf.square(tensor)))));
}

/** As in Keras: tensor * limit / max(norm, limit). */
function scaledDown(tensor: Tf.Tensor, norm: Tf.Tensor, limit: number): Tf.Tensor {
  const tf = loadCore();
  return tf.mul(tensor, tf.div(limit, tf.maximum(norm, limit)));
}
