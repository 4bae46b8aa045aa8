import { groupsIn, keys, type JobSpec, type ObjectStore, type ReductionNode } from "@stampede/core";
import { keyOf, slicesOf } from "./tree.js";

/** What is there of a round's reduction. */
export interface SeenReduction {
  /** Groups of which it is committed what their sums are made of. */
  readonly planned: ReadonlySet<number>;
  readonly isThere: (node: ReductionNode) => boolean;
  readonly hasAllSlices: boolean;
  /** When the last of it was committed, by the store's clock. */
  readonly newestAt: number;
}

/** Two lists, which grow with groups times parts: for when something went wrong. */
export async function readReduction(store: ObjectStore, spec: JobSpec, round: number): Promise<SeenReduction> {
  const { job } = spec;
  const found = new Set<string>();
  let newestAt = -Infinity;
  for (const prefix of [keys.reduction(job, round), keys.slices(job, round)]) {
    for await (const { key, modifiedAt } of store.list(prefix)) {
      found.add(key);
      newestAt = Math.max(newestAt, modifiedAt);
    }
  }
  const isThere = (node: ReductionNode): boolean => found.has(keyOf(spec, round, node));
  const planned = new Set<number>();
  for (let group = 0; group < groupsIn(spec.partitions); group += 1) {
    if (found.has(keys.groupPlan(job, round, group))) planned.add(group);
  }
  return { planned, isThere, hasAllSlices: slicesOf(spec).every(isThere), newestAt };
}
