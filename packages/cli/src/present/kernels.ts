import type { JobEvent } from "@stampede/core";
import * as text from "./text.js";

/** What is known of the kernels that have trained a job. */
export interface Kernels {
  /** By their blocks, 0 for those of every processor. */
  readonly kinds: ReadonlySet<number>;
  /** Why executors left those of their processor's own alone, where some did. */
  readonly reason?: string | undefined;
}

export const noKernels: Kernels = { kinds: new Set() };

/** What is known once another event is told. */
export function kernelsAfter(before: Kernels, event: JobEvent): Kernels {
  const { kinds, reason } = before;
  switch (event.event) {
    case "round.finished":
      return { kinds: new Set([...kinds, ...(event.blocks ?? [0])]), reason: reason ?? event.kernelReason };
    // Also of rounds that were not told here.
    case "job.submitted":
    case "job.succeeded":
      return { kinds: new Set([...kinds, ...(event.blocks ?? [])]), reason };
    default:
      return before;
  }
}

/** What is to be said when an event brings the first kind beside another, or the first reason: a log has it once. */
export function newsOfKernels(before: Kernels, after: Kernels): readonly string[] {
  return [
    ...(before.reason === undefined ? avoided(after.reason) : []),
    ...(before.kinds.size < 2 ? mixed(after.kinds) : []),
  ];
}

/** All that a person should know of a job's kernels; nothing where all executors had the same ones, and those the best. */
export function wordsOnKernels({ kinds, reason }: Kernels): readonly string[] {
  return [...avoided(reason), ...mixed(kinds)];
}

/** Kinds of kernels by their blocks, 0 for those of every processor, largest first. */
export function kernelNames(blocks: Iterable<number>): string {
  return [...new Set(blocks)]
    .toSorted((a, b) => b - a)
    .map((block) => (block === 0 ? "portable" : `blocks of ${block}`))
    .join(", ");
}

function avoided(reason: string | undefined): readonly string[] {
  return reason === undefined
    ? []
    : [
        `executors trained without blocked kernels, because they are wrong on their processor: ${text.firstLine(reason)}`,
      ];
}

function mixed(kinds: ReadonlySet<number>): readonly string[] {
  if (kinds.size < 2) return [];
  return [
    `executors on different processors (${kernelNames(kinds)}): the result's last bits depend on which is which; training.portable has them use the same kernels`,
  ];
}
