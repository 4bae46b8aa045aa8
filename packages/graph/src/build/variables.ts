import type * as Tf from "@tensorflow/tfjs-core";
import type { Variable } from "../format/manifest.js";
import type { TracedVariable } from "../trace/trace.js";
import { untraceable } from "../trace/untraceable.js";

/** Optimizer state begins so; weights have names of layers. */
const optimizerPrefix = "optimizer/";

export function isOptimizerState(name: string | undefined): boolean {
  return name?.startsWith(optimizerPrefix) === true;
}

/**
 * A traced variable as the manifest has it.
 * @param index its place in the manifest: inputs are called by numbers, because optimizers have names of a line for each of their tensors
 * @throws StampedeError `model.not-traceable` when it is neither the model's nor the optimizer's
 */
export function describeVariable(
  { variable, before }: TracedVariable,
  { names, index, isWritten }: { names: ReadonlyMap<Tf.Variable, string>; index: number; isWritten: boolean },
): Variable {
  const name = names.get(variable);
  if (name === undefined) {
    throw untraceable("failed", `a variable "${variable.name}" that is neither the model's nor the optimizer's`);
  }
  const { dtype, shape } = before;
  if (dtype !== "float32" && dtype !== "int32" && dtype !== "bool") throw new Error(`a variable of dtype ${dtype}`);
  const described = { name, input: `variable/${index}`, dtype, shape: [...shape], isWritten };
  if (!isOptimizerState(name)) return described;
  // After the trace a variable holds what it held before, or was made with.
  const initial = variable.dataSync();
  const [first = 0] = initial;
  if (initial.some((value) => value !== first)) {
    throw untraceable("failed", `an optimizer whose "${name}" does not begin with one number in all elements`);
  }
  return { ...described, initial: first };
}
