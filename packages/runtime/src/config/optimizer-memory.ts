import type { NamedTensors, TrainingConfig } from "@stampede/core";
import { incompatible } from "../model/weights.js";
import { readOptimizer, type OptimizerClass } from "./optimizers.js";

type OptimizerConfig = TrainingConfig["optimizer_config"];

/** What an optimizer remembers: one variable a trainable weight in each of `slots`, and single variables in `scalars`. */
export interface OptimizerMemory {
  readonly slots: readonly string[];
  readonly scalars: readonly string[];
}

/** Where each optimizer of tfjs-core 4.22.0 keeps it, by the names of its properties. */
const memories: Record<OptimizerClass, OptimizerMemory> = {
  SGD: { slots: [], scalars: [] },
  Momentum: { slots: ["accumulations"], scalars: [] },
  Adam: { slots: ["accumulatedFirstMoment", "accumulatedSecondMoment"], scalars: ["accBeta1", "accBeta2"] },
  Adamax: { slots: ["accumulatedFirstMoment", "accumulatedWeightedInfNorm"], scalars: ["iteration", "accBeta1"] },
  RMSProp: { slots: ["accumulatedMeanSquares", "accumulatedMoments"], scalars: [] },
  Adagrad: { slots: ["accumulatedGrads"], scalars: [] },
  Adadelta: { slots: ["accumulatedGrads", "accumulatedUpdates"], scalars: [] },
};

const prefix = "optimizer/";

export const scalarKey = (name: string): string => `${prefix}${name}`;
export const slotKey = (slot: string, weight: string): string => `${prefix}${slot}/${weight}`;
/** Weights have the names of layers, which begin otherwise. */
export const isOptimizerKey = (name: string): boolean => name.startsWith(prefix);

export function memoryOf(config: OptimizerConfig): OptimizerMemory {
  const { className, settings } = readOptimizer(config);
  const { slots, scalars } = memories[className];
  return settings["centered"] === true ? { slots: [...slots, "accumulatedMeanGrads"], scalars } : { slots, scalars };
}

/**
 * Names and shapes of an optimizer's state, in the order in which it is saved: `optimizer/<scalar>` and `optimizer/<slot>/<weight>`, all
 * float32.
 * @param trainable name and shape of the weights that are trained
 */
export function optimizerKeys(
  { slots, scalars }: OptimizerMemory,
  trainable: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, readonly number[]> {
  const keys = new Map<string, readonly number[]>(scalars.map((name) => [scalarKey(name), []]));
  for (const slot of slots) for (const [weight, shape] of trainable) keys.set(slotKey(slot, weight), shape);
  return keys;
}

/** @throws StampedeError `training.incompatible-delta` when names, shapes or dtypes differ */
export function refuseOtherState(expected: ReadonlyMap<string, readonly number[]>, state: NamedTensors): void {
  for (const [name, shape] of expected) {
    const found = state.get(name);
    if (found?.dtype === "float32" && String(found.shape) === String(shape)) continue;
    const shown = found === undefined ? "none" : `${found.dtype} [${found.shape.join(", ")}]`;
    throw incompatible(`optimizer state "${name}" as float32 [${shape.join(", ")}]`, shown);
  }
  const extra = [...state.keys()].find((name) => !expected.has(name));
  const names = expected.size === 0 ? "no optimizer state" : `the optimizer state ${[...expected.keys()].join(", ")}`;
  if (extra !== undefined) throw incompatible(names, `also ${extra}`);
}
