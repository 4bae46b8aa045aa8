/**
 * Deltas are added up in groups of so many partitions: in order within a group, and then the groups in order. That fixes the bits of a sum
 * without saying that the first partition has to be there before the second one can be added: a group can be summed up when its own deltas
 * are there, by whoever has the time. Up to here a sum is the same as one without groups.
 */
const deltasPerGroup = 64;

export function groupOf(partition: number): number {
  return Math.floor(partition / deltasPerGroup);
}

export function groupsIn(partitions: number): number {
  return Math.ceil(partitions / deltasPerGroup);
}

/** The partitions of a group, in order. */
export function partitionsOf(group: number, partitions: number): readonly number[] {
  const first = group * deltasPerGroup;
  const count = Math.min(deltasPerGroup, partitions - first);
  return Array.from({ length: Math.max(0, count) }, (_, index) => first + index);
}

/** The deltas that the largest group of a job has. */
export function largestGroup(partitions: number): number {
  return Math.min(partitions, deltasPerGroup);
}
