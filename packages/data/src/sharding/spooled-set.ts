import { viewOf, type NumericArray } from "@stampede/core";
import { storedRowBytes, type StoredField } from "../arrow/column-types.js";
import type { FieldEncoder } from "../fields/encoder.js";
import { Scratch } from "../scratch.js";
import type { Deal } from "./deal.js";
import { gatherRows } from "./gather.js";
import type { Spool } from "./spool.js";

/** Spooled rows, and which of them belong to which partition. */
export interface DealtRows {
  readonly deal: Pick<Deal, "rows" | "segments">;
  readonly spool: Pick<Spool, "read">;
}

/** The rows of one data set on their way into partitions. */
export interface SpooledSet {
  readonly deal: Deal;
  readonly spool: Spool;
  /** Whether the encoders learn from these rows. */
  readonly observed: boolean;
  /** One a field. */
  readonly scratches: readonly Scratch[];
}

/** Deals the given rows of a block (one array a field, as stored) and spools them. */
export async function spoolRows(
  set: SpooledSet,
  encoders: readonly FieldEncoder[],
  values: readonly NumericArray[],
  rows: Uint32Array,
): Promise<void> {
  const order = set.deal.take(rows);
  const columns = encoders.map((encoder, index) => {
    const { storage, width } = encoder;
    const source = values[index] ?? new Uint8Array(0);
    const scratch = set.scratches[index] ?? new Scratch();
    const bytes = gatherRows(source, { dtype: storage, width }, order, scratch);
    if (set.observed) {
      encoder.observe(viewOf(storage, bytes.buffer, bytes.byteOffset, order.length * width), order.length);
    }
    return bytes;
  });
  await set.spool.append(columns);
}

/** The part of a column that goes into one record batch. */
export interface ColumnRows {
  readonly index: number;
  readonly field: StoredField;
  readonly fromRow: number;
  readonly rows: number;
}

const chunkBytes = 1024 * 1024;

/** The values of rows `fromRow` ... `fromRow + rows - 1` of a partition, as bytes; a chunk is valid until the next is asked for. */
export async function* columnBytes(
  { deal, spool }: DealtRows,
  partition: number,
  { index, field, fromRow, rows }: ColumnRows,
  scratch: Scratch,
): AsyncGenerator<Uint8Array> {
  const rowBytes = storedRowBytes(field);
  let skip = fromRow * rowBytes;
  let left = rows * rowBytes;
  let chunk = scratch.take(Math.min(chunkBytes, left));
  let filled = 0;
  for (const segment of deal.segments(partition)) {
    const skipped = Math.min(skip, segment.rows * rowBytes);
    skip -= skipped;
    let position = segment.start * rowBytes + skipped;
    const end = Math.min((segment.start + segment.rows) * rowBytes, position + left);
    while (position < end) {
      const part = chunk.subarray(filled, filled + end - position);
      await spool.read(index, position, part);
      position += part.length;
      left -= part.length;
      filled += part.length;
      if (filled < chunk.length) continue;
      yield chunk;
      chunk = scratch.take(Math.min(chunkBytes, left));
      filled = 0;
    }
  }
}
