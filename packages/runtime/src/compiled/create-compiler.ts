import type { ModelDefinition } from "@stampede/core";
import type { CustomFunctions } from "../config/custom.js";
import type { GraphCompiler } from "./graph-compiler.js";

/**
 * Makes graphs of a model with the tfjs of this thread, which is loaded only now and whose backend stays as it is. Dispose of it.
 * @param custom the user's own losses and metrics. Layers of the user's own must have been given to tf.serialization.registerClass.
 * @throws StampedeError `model.unsupported`
 */
export async function createGraphCompiler(
  definition: ModelDefinition,
  custom?: CustomFunctions,
): Promise<GraphCompiler> {
  const compiler = await import("./graph-compiler.js");
  return compiler.GraphCompiler.create(definition, custom);
}
