import { bytesPerElement, deriveKey, permutation, sizeOf } from "@stampede/core";
import type { FieldEncoder } from "../fields/encoder.js";
import { stopIfAborted } from "../refusal.js";
import { sourceBytes, type OpenSource } from "../sources/source.js";
import type { ShardRequest } from "./request.js";
import { spoolRows, type SpooledSet } from "./spooled-set.js";

/** Rows are shuffled and dealt in blocks of at most so many bytes and rows; a few blocks are what the pass holds in memory. */
const maxBlockBytes = 8 * 1024 * 1024;
const maxBlockRows = 65_536;

interface Sets {
  readonly train: SpooledSet;
  readonly validation: SpooledSet | undefined;
}

/** The one pass over the rows: checks and converts them, shuffles them, and deals them to the two sets. */
export async function dealOut(
  source: OpenSource,
  encoders: readonly FieldEncoder[],
  { train, validation }: Sets,
  { order, seed = 0, validationSplit = 0 }: ShardRequest,
  signal: AbortSignal | undefined,
): Promise<void> {
  let rowsBefore = 0;
  let index = 0;
  for await (const { rows, values, places } of source.blocks(blockRowsOf(source, encoders))) {
    stopIfAborted(signal);
    const stored = encoders.map((encoder, field) =>
      encoder.accept(values[field] ?? new Uint8Array(0), places[field] ?? (() => "")),
    );
    const shuffled = order === "kept" ? inOrder(rows) : permutation(rows, deriveKey("block", seed, index));
    // Every block gives its share, rounded so that the sum over all blocks is the share of the whole.
    const heldOut = Math.round((rowsBefore + rows) * validationSplit) - Math.round(rowsBefore * validationSplit);
    if (validation !== undefined) await spoolRows(validation, encoders, stored, shuffled.subarray(0, heldOut));
    await spoolRows(train, encoders, stored, shuffled.subarray(heldOut));
    rowsBefore += rows;
    index++;
  }
}

function inOrder(rows: number): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, row) => row);
}

function blockRowsOf({ fields }: OpenSource, encoders: readonly FieldEncoder[]): number {
  const rowBytes = fields.reduce((sum, { dtype, rowShape }, index) => {
    const stored = bytesPerElement[encoders[index]?.storage ?? "float32"];
    return sum + sizeOf(rowShape) * Math.max(sourceBytes[dtype], stored);
  }, 0);
  return Math.max(1, Math.min(maxBlockRows, Math.floor(maxBlockBytes / rowBytes)));
}
