import type { Compute, EngineSession, GraphSource, ModelDefinition } from "@stampede/core";
import { lossesOf } from "../config/losses.js";
import { metricsOf } from "../config/metrics.js";
import { createGraphCompiler } from "./create-compiler.js";
import { CompiledSession } from "./session.js";
import { layoutOf } from "./state.js";

/**
 * @param graphs stored graphs, or a compiler; without them they are made from the model when they are needed, which loads tfjs
 * @throws StampedeError `model.unsupported`, `model.invalid`
 */
export async function openCompiled(
  definition: ModelDefinition,
  graphs: GraphSource | undefined,
  compute: Compute,
): Promise<EngineSession> {
  const outputs = definition.outputs.map(({ name }) => name);
  lossesOf(definition.training, outputs);
  metricsOf(definition.training, outputs);
  if (graphs !== undefined) return new CompiledSession({ definition, graphs, compute, layout: layoutOf(graphs) });
  const compiler = await createGraphCompiler(definition);
  const { layout } = compiler;
  return new CompiledSession({ definition, graphs: compiler, compute, layout, onClose: () => compiler.dispose() });
}
