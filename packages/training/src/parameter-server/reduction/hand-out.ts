import { DeltaMessage, encodeMessage, type JobSpec, type ObjectStore, type ReductionNode } from "@stampede/core";
import type { ParameterServerDeps } from "../../deps.js";
import { inParallel } from "../../in-parallel.js";
import { exists } from "../../store/records.js";
import { keyOf, leavesOf } from "./tree.js";

/** Each takes its time, and the last function is not to start long after the first one. */
const startsAtOnce = 128;
const questionsAtOnce = 32;

/** Has each of these made by a function of its own, where there is a way to start one, else by whoever takes a message. */
export function handOut(
  { job }: JobSpec,
  round: number,
  nodes: readonly ReductionNode[],
  { startServer, queues }: Pick<ParameterServerDeps, "startServer" | "queues">,
): Promise<void> {
  return inParallel(nodes, startsAtOnce, (make) => {
    const order = { version: 1, type: "delta", job, round, make } as const;
    return startServer === undefined ? queues.deltas.send(encodeMessage(DeltaMessage, order)) : startServer(order);
  });
}

export async function missingLeavesOf(
  spec: JobSpec,
  round: number,
  group: number,
  store: ObjectStore,
): Promise<readonly ReductionNode[]> {
  const missing: ReductionNode[] = [];
  await inParallel(leavesOf(spec, group), questionsAtOnce, async (leaf) => {
    if (!(await exists(store, keyOf(spec, round, leaf)))) missing.push(leaf);
  });
  return missing;
}
