import type { ByteRange, ShardingRequest } from "@stampede/core";

/** What one step reads of a file. */
export interface FileCut extends ByteRange {
  /** Of the request's list. */
  readonly file: number;
  readonly last: boolean;
}

/** What each `hash` step reads: file after file, and in a file piece after piece. An empty file is one piece. */
export function hashCuts({ files, limits }: ShardingRequest): readonly FileCut[] {
  return cut(files, limits.taskBytes);
}

/** What each `count` step reads: whole stretches but for the last of a file. */
export function countCuts({ files, limits }: ShardingRequest): readonly FileCut[] {
  const { taskBytes, indexBytes } = limits;
  return cut(files, Math.max(1, Math.floor(taskBytes / indexBytes)) * indexBytes);
}

/** The stretches of a cut, at whose beginnings rows are going to be known. */
export function stretchesOf({ start, end }: ByteRange, { limits }: ShardingRequest): readonly ByteRange[] {
  return ranges(start, end, limits.indexBytes);
}

function cut(files: ShardingRequest["files"], step: number): readonly FileCut[] {
  return files.flatMap(({ bytes }, file) =>
    ranges(0, bytes, step).map((range) => ({ file, ...range, last: range.end === bytes })),
  );
}

function ranges(start: number, end: number, step: number): readonly ByteRange[] {
  const count = Math.max(1, Math.ceil((end - start) / step));
  return Array.from({ length: count }, (_, index) => ({
    start: start + index * step,
    end: Math.min(end, start + (index + 1) * step),
  }));
}
