import { StampedeError, tensorOf, type NamedTensors, type Tensor, type TrainingConfig } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import { memoryOf, optimizerKeys, refuseOtherState, scalarKey, slotKey } from "../config/optimizer-memory.js";
import { readOptimizer } from "../config/optimizers.js";
import { tf } from "./tfjs.js";

type OptimizerConfig = TrainingConfig["optimizer_config"];

interface Slot {
  readonly originalName: string;
  readonly variable: Tf.Variable;
}

/** @throws StampedeError `model.unsupported` for an unknown optimizer or setting */
export function createOptimizer(config: OptimizerConfig): Tf.Optimizer {
  const { className, settings } = readOptimizer(config);
  const number = (name: string): number => Number(settings[name]);
  const rate = number("learningRate");
  switch (className) {
    case "SGD":
      return tf.train.sgd(rate);
    case "Momentum":
      return tf.train.momentum(rate, number("momentum"), settings["useNesterov"] === true);
    case "Adam":
      return tf.train.adam(rate, number("beta1"), number("beta2"), number("epsilon"));
    case "Adamax":
      return tf.train.adamax(rate, number("beta1"), number("beta2"), number("epsilon"), number("decay"));
    case "RMSProp": {
      const centered = settings["centered"] === true;
      return tf.train.rmsprop(rate, number("decay"), number("momentum"), number("epsilon"), centered);
    }
    case "Adagrad":
      return tf.train.adagrad(rate, number("initialAccumulatorValue"));
    case "Adadelta":
      return tf.train.adadelta(rate, number("rho"), number("epsilon"));
  }
}

/** Frees an optimizer wholly; tfjs' own `dispose` forgets the learning rate of Momentum. */
export function disposeOptimizer(optimizer: Tf.Optimizer): void {
  optimizer.dispose();
  const rate: unknown = Reflect.get(optimizer, "c");
  if (rate instanceof tf.Tensor && !rate.isDisposed) rate.dispose();
}

/**
 * What an optimizer remembers, all float32: `optimizer/<slot>/<weight>` and `optimizer/<scalar>`. Empty before the first step. tfjs' own
 * `getWeights` and `setWeights` will not do: Adamax has none, Adam's loses the powers of its betas (and computes them anew by `pow`, with
 * other bits than by multiplying step by step).
 * @param weights names of the trainable weights, in the order in which they are trained
 */
export function saveOptimizer(
  config: OptimizerConfig,
  optimizer: Tf.Optimizer,
  weights: readonly string[],
): NamedTensors {
  const { slots } = memoryOf(config);
  if (slots.every((slot) => slotsOf(optimizer, slot).length === 0)) return new Map<string, Tensor>();
  const variables = optimizerVariables(config, optimizer, weights);
  return new Map([...variables].map(([name, variable]) => [name, copyOf(variable)]));
}

/**
 * An optimizer's variables by the names of their state, in its order. Before the first step only the single ones are there.
 * @param weights names of the trainable weights, in the order in which they are trained
 */
export function optimizerVariables(
  config: OptimizerConfig,
  optimizer: Tf.Optimizer,
  weights: readonly string[],
): Map<string, Tf.Variable> {
  const { slots, scalars } = memoryOf(config);
  const variables = new Map(scalars.map((name) => [scalarKey(name), scalarOf(optimizer, name)]));
  for (const slot of slots) {
    const list = slotsOf(optimizer, slot);
    if (list.length > 0 && list.length !== weights.length) throw unknownInside(slot);
    for (const [index, weight] of weights.entries()) {
      const variable = list[index]?.variable;
      if (variable !== undefined) variables.set(slotKey(slot, weight), variable);
    }
  }
  return variables;
}

/**
 * Gives a fresh optimizer the memory of another one.
 * @param weights name and shape of the trainable weights, in the order in which they are trained
 * @throws StampedeError `training.incompatible-delta`; the optimizer is then as it was
 */
export function loadOptimizer(
  config: OptimizerConfig,
  optimizer: Tf.Optimizer,
  weights: ReadonlyMap<string, readonly number[]>,
  state: NamedTensors,
): void {
  const { slots, scalars } = memoryOf(config);
  refuseOtherState(optimizerKeys({ slots, scalars }, weights), state);
  const variableOf = (key: string): Tf.Tensor => {
    const saved = state.get(key);
    return tf.tensor(Float32Array.from(saved?.data ?? []), [...(saved?.shape ?? [])]);
  };
  tf.tidy(() => {
    for (const name of scalars) scalarOf(optimizer, name).assign(variableOf(scalarKey(name)));
    for (const slot of slots) {
      const restored = [...weights.keys()].map((weight): Slot => ({
        originalName: slotKey(slot, weight),
        variable: tf.variable(variableOf(slotKey(slot, weight)), false),
      }));
      Reflect.set(optimizer, slot, restored);
    }
  });
}

function scalarOf(optimizer: Tf.Optimizer, name: string): Tf.Variable {
  const variable: unknown = Reflect.get(optimizer, name);
  if (!isVariable(variable)) throw unknownInside(name);
  return variable;
}

function slotsOf(optimizer: Tf.Optimizer, name: string): readonly Slot[] {
  const list: unknown = Reflect.get(optimizer, name);
  if (!Array.isArray(list) || !list.every(isSlot)) throw unknownInside(name);
  return list;
}

function isSlot(value: unknown): value is Slot {
  return typeof value === "object" && value !== null && isVariable(Reflect.get(value, "variable"));
}

function isVariable(value: unknown): value is Tf.Variable {
  return value instanceof tf.Variable;
}

function copyOf(variable: Tf.Variable): Tensor {
  return tensorOf(Float32Array.from(variable.dataSync()), [...variable.shape]);
}

function unknownInside(name: string): StampedeError {
  const message = `Expected tfjs 4.22.0's optimizers, found one without a list of variables "${name}".`;
  return new StampedeError("engine.failed", message);
}
