import { StampedeError, tensorOf, type NamedTensors, type Tensor } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import type { LayersModel, LayerVariable } from "@tensorflow/tfjs-layers";
import { functionalOf } from "./layers-model.js";

/**
 * The model's variables by name, in its own order, with frozen weights and moving statistics. Names depend on the model alone:
 * tfjs' `originalName` carries no counter of the process; where nested models repeat one, "_1", "_2" ... follow in the model's order.
 */
export function namedVariables(model: LayersModel): Map<string, LayerVariable> {
  const variables = new Map<string, LayerVariable>();
  for (const variable of model.weights) {
    let name = variable.originalName;
    for (let copy = 1; variables.has(name); copy += 1) name = `${variable.originalName}_${copy}`;
    variables.set(name, variable);
  }
  return variables;
}

/** Name and shape of the weights that are trained, in the order in which the optimizer sees them. */
export function trainableShapes(model: LayersModel): ReadonlyMap<string, readonly number[]> {
  const names = new Map([...namedVariables(model)].map(([name, variable]) => [variable, name]));
  return new Map(
    functionalOf(model).trainableWeights.map((variable) => [
      names.get(variable) ?? variable.name,
      variable.shape.map(Number),
    ]),
  );
}

/** @throws StampedeError `model.unsupported` */
export function refuseNothingToTrain(trainable: ReadonlyMap<string, unknown>): void {
  if (trainable.size > 0) return;
  const message =
    "Expected a model with trainable weights, found that all of its weights are frozen. Nothing was trained.";
  throw new StampedeError("model.unsupported", message);
}

/** Copies of the model's weights in its own order. */
export function readWeights(model: LayersModel): Map<string, Tensor> {
  const variables = [...namedVariables(model)];
  return new Map(variables.map(([name, variable]) => [name, copyOf(name, variable.read())]));
}

/** @throws StampedeError `model.unsupported` when the dtype is neither float32 nor int32 */
function copyOf(name: string, tensor: Tf.Tensor): Tensor {
  const values = tensor.dataSync();
  if (values instanceof Float32Array || (values instanceof Int32Array && tensor.dtype === "int32")) {
    return tensorOf(values.slice(), [...tensor.shape]);
  }
  throw new StampedeError("model.unsupported", `Expected weight "${name}" as float32 or int32, found ${tensor.dtype}.`);
}

/**
 * Sets all weights, having checked them first.
 *
 * Writes to the variables themselves: `model.setWeights` would apply the layers' constraints, which tfjs' training does not, so that
 * loading the weights of a training would change them.
 * @throws StampedeError `training.incompatible-delta` when names, shapes or dtypes differ from the model's
 */
export function writeWeights(tf: typeof Tf, model: LayersModel, weights: NamedTensors): void {
  const variables = namedVariables(model);
  refuseOtherWeights(variables, weights);
  tf.tidy(() => {
    for (const [name, variable] of variables) {
      const value = weights.get(name);
      if (value === undefined) continue;
      const target = variable.read();
      if (!isVariable(target)) throw new StampedeError("engine.failed", `Expected weight "${name}" as a tf.Variable.`);
      target.assign(tf.tensor(value.data.slice(), [...value.shape], variable.dtype));
    }
  });
}

function isVariable(tensor: Tf.Tensor): tensor is Tf.Variable {
  return "assign" in tensor;
}

/**
 * @param expected dtype and shape of each weight
 * @throws StampedeError `training.incompatible-delta` when names, shapes or dtypes differ
 */
export function refuseOtherWeights(
  expected: ReadonlyMap<string, { readonly dtype: string; readonly shape: readonly (number | null)[] }>,
  weights: NamedTensors,
): void {
  const missing = [...expected.keys()].filter((name) => !weights.has(name));
  const extra = [...weights.keys()].filter((name) => !expected.has(name));
  if (missing.length > 0 || extra.length > 0) {
    throw incompatible(`the weights ${[...expected.keys()].join(", ")}`, differenceOf(missing, extra));
  }
  for (const [name, { dtype, shape }] of expected) {
    const value = weights.get(name);
    if (value === undefined || (value.dtype === dtype && String(value.shape) === String(shape))) continue;
    throw incompatible(
      `weight "${name}" as ${dtype} [${shape.join(", ")}]`,
      `${value.dtype} [${value.shape.join(", ")}]`,
    );
  }
}

function differenceOf(missing: readonly string[], extra: readonly string[]): string {
  const parts = [
    ...(missing.length > 0 ? [`no ${missing.join(", ")}`] : []),
    ...(extra.length > 0 ? [`also ${extra.join(", ")}`] : []),
  ];
  return parts.join(" and ");
}

/** Tensors that were made for another model. */
export function incompatible(expected: string, found: string): StampedeError {
  return new StampedeError("training.incompatible-delta", `Expected ${expected}; found ${found}. Nothing was loaded.`);
}
