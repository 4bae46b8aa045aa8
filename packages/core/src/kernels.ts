import type { Block, KernelKind } from "./schema/model.js";

/** What is known of an executor's work in a round: see `Contribution`. */
interface Work {
  readonly examples: number;
  readonly blocks?: readonly KernelKind[] | undefined;
  readonly block?: Block | undefined;
}

/** Each kind once, the largest blocks first: so records and events have them. */
export function kernelKinds(kinds: Iterable<KernelKind>): KernelKind[] {
  return [...new Set(kinds)].toSorted((a, b) => b - a);
}

/** What trained a round. An executor that had nothing to train there has run no kernels. */
export function kernelsOf(work: readonly Work[]): KernelKind[] {
  return kernelKinds(work.flatMap(({ examples, blocks, block }) => (examples === 0 ? [] : (blocks ?? [block ?? 0]))));
}
