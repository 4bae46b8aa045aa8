import type { JobEvent } from "@stampede/core";

/** The kinds of kernels that a job has been trained by, as far as its events up to this one tell. */
export function kernelsAfter(before: ReadonlySet<number>, event: JobEvent): ReadonlySet<number> {
  switch (event.event) {
    case "round.finished":
      return new Set([...before, ...(event.blocks ?? [0])]);
    // Also of rounds that were not told here.
    case "job.submitted":
    case "job.succeeded":
      return new Set([...before, ...(event.blocks ?? [])]);
    default:
      return before;
  }
}

/** What is to be said when an event brings the first kind beside another: a log has it once. */
export function newlyMixed(before: ReadonlySet<number>, after: ReadonlySet<number>): readonly string[] {
  return before.size < 2 ? mixedKernels(after) : [];
}

/** Kinds of kernels by their blocks, 0 for those of every processor, largest first. */
export function kernelNames(blocks: Iterable<number>): string {
  return [...new Set(blocks)]
    .toSorted((a, b) => b - a)
    .map((block) => (block === 0 ? "portable" : `blocks of ${block}`))
    .join(", ");
}

/** What it means that a job ran on different processors; nothing where all had the same kernels. */
export function mixedKernels(blocks: Iterable<number>): readonly string[] {
  const kinds = new Set(blocks);
  if (kinds.size < 2) return [];
  return [
    `executors on different processors (${kernelNames(kinds)}): the result's last bits depend on which is which; training.portable has them use the same kernels`,
  ];
}
