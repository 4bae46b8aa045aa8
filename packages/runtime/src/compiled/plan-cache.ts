import { sha256Hex, type Block, type GraphName } from "@stampede/core";
import { compilerVersion } from "@stampede/graph/format";
import { loadCore } from "@stampede/graph/tfjs";
import { whyOnlyCompiled } from "../model/only-compiled.js";
import { fieldsKey } from "./fields-key.js";
import type { EnginePlanRequest } from "./plan-engine.js";
import { selfCheckRows } from "./self-check.js";

/** All graphs of one plan, compiled and checked. */
export interface CompiledPlan {
  readonly graphs: ReadonlyMap<GraphName, Uint8Array>;
  /** Of the largest of them. */
  readonly flopsPerBatch: number;
  /** Why there are no kernels of the processor's own, see `EnginePlan`. */
  readonly reason?: string;
}

/** Keeps plans, so that a model is compiled and checked once. */
export interface PlanCache {
  /** @param key SHA-256, in hex, of all that the graphs follow from */
  get(key: string): Promise<CompiledPlan | undefined>;
  put(key: string, plan: CompiledPlan): Promise<void>;
}

/**
 * Topology, losses, optimizer and its constants, batch sizes, blocks, form of the data, and versions; undefined where the user's own code takes
 * part, which has no name that would change with it.
 * @param checkedOn the block of this processor: what it found of its kernels says nothing of another one's
 */
export function planKey(
  request: EnginePlanRequest,
  blocks: readonly Block[],
  checkedOn: Block | undefined,
): string | undefined {
  const { definition, purpose, fields, batchSizes = [], validates = false } = request;
  if (whyOnlyCompiled(definition) !== undefined) return undefined;
  const versions = [compilerVersion, loadCore().version_core];
  return sha256Hex(
    JSON.stringify([
      versions,
      definition,
      purpose,
      fieldsKey(fields),
      batchSizes,
      validates,
      blocks,
      selfCheckRows,
      checkedOn ?? null,
    ]),
  );
}
