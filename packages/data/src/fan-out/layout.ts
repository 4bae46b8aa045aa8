import type { RowIndex, ShardingLayout, ShardingPlan, ShardingRequest } from "@stampede/core";
import { storedRowBytes } from "../arrow/column-types.js";
import { heldOutOf } from "../sharding/deal-out.js";

export interface RowRange {
  readonly start: number;
  readonly end: number;
}

/** The set that rows go to. */
export type SetName = "train" | "validation";

/** What one `parts` step writes. */
export interface PartGroup {
  readonly set: SetName;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** Cuts the rows into runs of whole blocks, and the partitions into groups, of about as many bytes as one step may read. */
export function layOut(
  { files, partitions, limits }: ShardingRequest,
  { blockRows, columns }: Pick<ShardingPlan, "blockRows" | "columns">,
  rows: number,
  index?: readonly RowIndex[],
): ShardingLayout {
  const sourceBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const storedBytes = rows * columns.reduce((sum, column) => sum + storedRowBytes(column), 0);
  const runBlocks = Math.max(1, Math.floor((limits.taskBytes * rows) / (sourceBytes * blockRows)));
  const partsAtOnce = Math.max(1, Math.floor((limits.taskBytes * partitions) / Math.max(1, storedBytes)));
  return {
    version: 1,
    rows,
    runRows: runBlocks * blockRows,
    partsAtOnce: Math.min(partsAtOnce, partitions),
    ...(index && { index: [...index] }),
  };
}

export function runCount({ rows, runRows }: ShardingLayout): number {
  return Math.max(1, Math.ceil(rows / runRows));
}

export function runAt({ rows, runRows }: ShardingLayout, run: number): RowRange {
  return { start: run * runRows, end: Math.min(rows, (run + 1) * runRows) };
}

export function setsOf({ validationSplit }: Pick<ShardingRequest, "validationSplit">): readonly SetName[] {
  return validationSplit === undefined ? ["train"] : ["train", "validation"];
}

/** How many of the first `rows` rows go to a set. */
export function shareOf(set: SetName, rows: number, request: Pick<ShardingRequest, "validationSplit">): number {
  const heldOut = heldOutOf(rows, request);
  return set === "validation" ? heldOut : rows - heldOut;
}

/** What of a set a run holds, in rows of the set. */
export function shareOfRun(set: SetName, { start, end }: RowRange, request: ShardingRequest): RowRange {
  return { start: shareOf(set, start, request), end: shareOf(set, end, request) };
}

export function partGroups(request: ShardingRequest, { partsAtOnce }: ShardingLayout): readonly PartGroup[] {
  const { partitions } = request;
  const groups = Array.from({ length: Math.ceil(partitions / partsAtOnce) }, (_, index) => ({
    from: index * partsAtOnce,
    to: Math.min(partitions, (index + 1) * partsAtOnce),
  }));
  return setsOf(request).flatMap((set) => groups.map((group) => ({ set, ...group })));
}
