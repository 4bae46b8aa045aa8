import { groupsIn, keys, partsOfSlice, sliceOfPart, slicingIn, type JobSpec, type ReductionNode } from "@stampede/core";

/**
 * What the tree of a job's rounds follows from. A level that would only hand on what is below it is left out: sums of a single group, and
 * parts that are slices.
 */
type Shape = Pick<JobSpec, "job" | "partitions" | "slices" | "parts" | "training">;

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

/** All that can be handed out before anything is there but the plan of this group: a node for each part. */
export function leavesOf(spec: Shape, group: number): readonly ReductionNode[] {
  return range(slicingIn(spec).parts).map((part) => leafOf(spec, group, part));
}

function leafOf(spec: Shape, group: number, part: number): ReductionNode {
  return groupsIn(spec.partitions) > 1 ? { kind: "sum", group, part } : meanOf(spec, part);
}

/** Where the mean of a part goes. */
function meanOf(spec: Shape, part: number): ReductionNode {
  const { slices, parts } = slicingIn(spec);
  return parts > slices ? { kind: "part", part } : { kind: "slice", slice: part };
}

/** What a node is made of beside the deltas; nothing where it is a leaf. */
export function childrenOf(spec: Shape, node: ReductionNode): readonly ReductionNode[] {
  const slicing = slicingIn(spec);
  const isOfParts = node.kind === "slice" && slicing.parts > slicing.slices;
  if (isOfParts) return partsOfSlice(slicing, node.slice).map((part) => ({ kind: "part", part }));
  const groups = groupsIn(spec.partitions);
  if (node.kind === "sum" || groups === 1) return [];
  const part = partOf(node);
  return range(groups).map((group) => ({ kind: "sum", group, part }));
}

/** The part that a node is of; of a slice of several parts it is not asked. */
export function partOf(node: ReductionNode): number {
  return node.kind === "slice" ? node.slice : node.part;
}

/** What is made of a node and others; undefined where that is the round. */
export function parentOf(spec: Shape, node: ReductionNode): ReductionNode | undefined {
  switch (node.kind) {
    case "sum":
      return meanOf(spec, node.part);
    case "part":
      return { kind: "slice", slice: sliceOfPart(slicingIn(spec), node.part) };
    case "slice":
      return undefined;
    default:
      return node satisfies never;
  }
}

export function slicesOf(spec: Shape): readonly ReductionNode[] {
  return range(slicingIn(spec).slices).map((slice) => ({ kind: "slice", slice }));
}

export function keyOf({ job }: Pick<Shape, "job">, round: number, node: ReductionNode): string {
  switch (node.kind) {
    case "sum":
      return keys.sum(job, round, node.part, node.group);
    case "part":
      return keys.averagedPart(job, round, node.part);
    case "slice":
      return keys.slice(job, round, node.slice);
    default:
      return node satisfies never;
  }
}

/** Whether there can be such a node: an order may be of a job that nobody here knows. */
export function belongs(spec: Shape, node: ReductionNode): boolean {
  const { slices, parts } = slicingIn(spec);
  switch (node.kind) {
    case "sum":
      return node.part < parts && node.group < groupsIn(spec.partitions) && groupsIn(spec.partitions) > 1;
    case "part":
      return node.part < parts && parts > slices;
    case "slice":
      return node.slice < slices;
    default:
      return node satisfies never;
  }
}

/** What can be made of what is there and is not: the orders that go on with a round on which nobody works any more. */
export function missingOf(
  spec: Shape,
  planned: Pick<ReadonlySet<number>, "has">,
  isThere: (node: ReductionNode) => boolean,
): readonly ReductionNode[] {
  const missing: ReductionNode[] = [];
  const visit = (node: ReductionNode): void => {
    if (isThere(node)) return;
    const absent = childrenOf(spec, node).filter((child) => !isThere(child));
    if (absent.length > 0) for (const child of absent) visit(child);
    // A leaf is made of the deltas that its group's plan speaks of.
    else if (childrenOf(spec, node).length > 0 || planned.has(node.kind === "sum" ? node.group : 0)) missing.push(node);
  };
  for (const slice of slicesOf(spec)) visit(slice);
  return missing;
}
