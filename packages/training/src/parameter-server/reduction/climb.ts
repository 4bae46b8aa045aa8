import type { JobSpec, ReductionNode } from "@stampede/core";
import type { ParameterServerDeps } from "../../deps.js";
import { exists } from "../../store/records.js";
import { allThere } from "../all-there.js";
import { commitReduction } from "./commit-reduction.js";
import { makeNode } from "./make-node.js";
import { childrenOf, keyOf, parentOf, slicesOf } from "./tree.js";

/**
 * Makes a node, and then what it is a part of as long as all other parts of that are there: so whoever is the last to make one of them goes on
 * with the next level at once, and nobody waits for anybody. Two who are last at the same time make the same.
 * @returns whether the round is committed
 * @throws DamagedDelta
 * @throws StampedeError `store.*`, `training.*`
 */
export async function climb(
  spec: JobSpec,
  round: number,
  from: { readonly node: ReductionNode; readonly isMade: boolean },
  deps: ParameterServerDeps,
): Promise<boolean> {
  const { store } = deps;
  let node: ReductionNode | undefined = from.node;
  let { isMade } = from;
  while (node !== undefined) {
    if (!isMade) await makeNode(spec, round, node, deps);
    const parent = parentOf(spec, node);
    const key = keyOf(spec, round, node);
    const siblings = parent === undefined ? slicesOf(spec) : childrenOf(spec, parent);
    const others = siblings.map((sibling) => keyOf(spec, round, sibling)).filter((other) => other !== key);
    // Each answer takes its time, and both are needed most often.
    const [isComplete, isParentMade] = await Promise.all([
      allThere(store, others),
      parent !== undefined && exists(store, keyOf(spec, round, parent)),
    ]);
    if (!isComplete) return false;
    node = parent;
    isMade = isParentMade;
  }
  await commitReduction(spec, round, deps);
  return true;
}
