import { isConstant, type Node, type Value } from "../ir/types.js";
import { valuesUsedBy } from "../passes/dead-code.js";
import type { Recording } from "../trace/recording.js";
import { untraceable } from "../trace/untraceable.js";

/**
 * A cell may use its weights, and what no gradient goes to: constants and random numbers that were drawn outside. A gradient of anything
 * else would be lost, because the layer is one operation, whose inputs are what it is fed and its weights.
 *
 * @param nodes what the cell does in one step
 * @param own its weights, and what stands for its inputs
 */
export function refuseForeignTensors(
  layer: string,
  recording: Recording,
  nodes: readonly Node[],
  own: ReadonlySet<Value>,
): void {
  const { pools, draws } = recording.random;
  const harmless = new Set([...pools.values(), ...draws.map(({ offset }) => offset)]);
  const inside = new Set(nodes.flatMap(({ outputs }) => outputs));
  const seen = new Set<Value>();
  const isForeign = (value: Value): boolean => {
    if (seen.has(value) || isConstant(value) || harmless.has(value)) return false;
    seen.add(value);
    return value.source.kind !== "node" || valuesUsedBy(value.source.node).some(isForeign);
  };
  const used = nodes.flatMap(valuesUsedBy).filter((value) => !inside.has(value) && !own.has(value));
  if (!used.some(isForeign)) return;
  const found = `a cell of the layer "${layer}" that computes with tensors which are neither its weights nor its inputs`;
  throw untraceable("failed", found, { layer });
}
