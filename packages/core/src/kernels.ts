import type { Contribution } from "./schema/job.js";
import type { KernelKind } from "./schema/model.js";

/** Each kind once, the largest blocks first: so records and events have them. */
export function kernelKinds(kinds: Iterable<KernelKind>): KernelKind[] {
  return [...new Set(kinds)].toSorted((a, b) => b - a);
}

/** What trained a round. An executor that had nothing to train there has run no kernels. */
export function kernelsOf(contributions: readonly Pick<Contribution, "examples" | "block">[]): KernelKind[] {
  return kernelKinds(contributions.flatMap(({ examples, block }) => (examples === 0 ? [] : [block ?? 0])));
}
