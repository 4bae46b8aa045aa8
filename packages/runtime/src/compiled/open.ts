import type { Compute, EngineSession, GraphSource, ModelDefinition } from "@stampede/core";
import { lossesOf } from "../config/losses.js";
import { metricsOf } from "../config/metrics.js";
import { blockOf, type BlockProbe } from "./block.js";
import { createGraphCompiler } from "./create-compiler.js";
import { CompiledSession } from "./session.js";
import { layoutOf } from "./state.js";

/**
 * @param graphs stored graphs, or a compiler; without them they are made from the model when they are needed, which loads tfjs
 * @param probe tells the processor's block, which decides what graphs are asked for and which ones are refused
 * @throws StampedeError `model.unsupported`, `model.invalid`
 */
export async function openCompiled(
  definition: ModelDefinition,
  graphs: GraphSource | undefined,
  compute: Compute,
  probe: BlockProbe = blockOf,
): Promise<EngineSession> {
  const outputs = definition.outputs.map(({ name }) => name);
  lossesOf(definition.training, outputs);
  metricsOf(definition.training, outputs);
  const block = compute.portable === true ? undefined : await probe();
  const parts = { definition, compute, block };
  if (graphs !== undefined) return new CompiledSession({ ...parts, graphs, layout: layoutOf(graphs) });
  const compiler = await createGraphCompiler(definition);
  return new CompiledSession({
    ...parts,
    graphs: compiler,
    layout: compiler.layout,
    onClose: () => compiler.dispose(),
  });
}
