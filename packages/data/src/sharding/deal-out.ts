import { bytesPerElement, deriveKey, permutation, sizeOf } from "@stampede/core";
import type { FieldEncoder } from "../fields/encoder.js";
import { stopIfAborted } from "../refusal.js";
import { sourceBytes, type OpenSource, type RowRun } from "../sources/source.js";
import type { ShardSettings } from "./request.js";
import { spoolRows, type SpooledSet } from "./spooled-set.js";

/** Rows are shuffled and dealt in blocks of at most so many bytes and rows; a few blocks are what the pass holds in memory. */
const maxBlockBytes = 8 * 1024 * 1024;
const maxBlockRows = 65_536;

export interface Sets {
  readonly train: SpooledSet;
  readonly validation: SpooledSet | undefined;
}

/** How a pass goes: over all rows, or over a run of them that begins with a block. */
export interface Pass {
  readonly request: Pick<ShardSettings, "order" | "seed" | "validationSplit">;
  readonly blockRows: number;
  readonly run?: RowRun;
  readonly signal?: AbortSignal | undefined;
  /** Called when a block's rows are spooled. */
  readonly afterBlock?: () => void;
}

/** The pass over the rows: checks and converts them, shuffles them, and deals them to the two sets. */
export async function dealOut(
  source: OpenSource,
  encoders: readonly FieldEncoder[],
  { train, validation }: Sets,
  { request, blockRows, run, signal, afterBlock }: Pass,
): Promise<void> {
  const { order, seed = 0 } = request;
  let rowsBefore = run?.start ?? 0;
  let index = rowsBefore / blockRows;
  for await (const { rows, values, places } of source.blocks(blockRows, run)) {
    stopIfAborted(signal);
    const stored = encoders.map((encoder, field) =>
      encoder.accept(values[field] ?? new Uint8Array(0), places[field] ?? (() => "")),
    );
    const shuffled = order === "kept" ? inOrder(rows) : permutation(rows, deriveKey("block", seed, index));
    const heldOut = heldOutOf(rowsBefore + rows, request) - heldOutOf(rowsBefore, request);
    if (validation !== undefined) await spoolRows(validation, encoders, stored, shuffled.subarray(0, heldOut));
    await spoolRows(train, encoders, stored, shuffled.subarray(heldOut));
    afterBlock?.();
    rowsBefore += rows;
    index++;
  }
}

/** How many of the first `rows` rows are held out. Every block gives its share, rounded so that the sum over all is the share of the whole. */
export function heldOutOf(rows: number, { validationSplit = 0 }: Pick<ShardSettings, "validationSplit">): number {
  return Math.round(rows * validationSplit);
}

function inOrder(rows: number): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, row) => row);
}

export function blockRowsOf({ fields }: OpenSource, encoders: readonly FieldEncoder[]): number {
  const rowBytes = fields.reduce((sum, { dtype, rowShape }, index) => {
    const stored = bytesPerElement[encoders[index]?.storage ?? "float32"];
    return sum + sizeOf(rowShape) * Math.max(sourceBytes[dtype], stored);
  }, 0);
  return Math.max(1, Math.min(maxBlockRows, Math.floor(maxBlockBytes / rowBytes)));
}
