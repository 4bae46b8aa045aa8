import {
  keys,
  StampedeError,
  type ByteRange,
  type ObjectStore,
  type ShardingLayout,
  type ShardingPlan,
} from "@stampede/core";
import { storedRowBytes, type StoredField } from "../arrow/column-types.js";
import { Scratch } from "../scratch.js";
import { ContiguousDeal, type Segment } from "../sharding/deal.js";
import { columnBytes, type DealtRows } from "../sharding/spooled-set.js";
import { runCount, runAt, setsOf, shareOf, shareOfRun, type RowRange, type SetName } from "./layout.js";
import type { Sharding } from "./sharding.js";

/**
 * The rows of a run, in one object: set after set, in it column after column, in it partition after partition (or, where the order is
 * kept, row after row). So a partition's values of a column lie side by side, and where follows from arithmetic.
 */
export async function* runBytes(
  sets: readonly DealtRows[],
  columns: readonly StoredField[],
  partitions: number,
): AsyncGenerator<Uint8Array> {
  const scratch = new Scratch();
  for (const { deal, spool } of sets) {
    const all = { spool, deal: { rows: deal.rows, segments: () => inOrder(deal, partitions) } };
    for (const [index, field] of columns.entries()) {
      yield* columnBytes(all, 0, { index, field, fromRow: 0, rows: deal.rows }, scratch);
    }
  }
}

function* inOrder(deal: DealtRows["deal"], partitions: number): Generator<Segment> {
  for (let partition = 0; partition < partitions; partition++) yield* deal.segments(partition);
}

/** The rows of a run, in bytes; moments follow. */
export function runRowBytes({ columns }: ShardingPlan, request: Sharding["request"], run: RowRange): number {
  const rowBytes = columns.reduce((sum, column) => sum + storedRowBytes(column), 0);
  const rows = setsOf(request).map((set) => shareOfRun(set, run, request));
  return rows.reduce((sum, { start, end }) => sum + (end - start) * rowBytes, 0);
}

interface RunPart {
  /** Rows of the set. */
  readonly rows: RowRange;
  /** Where each column begins in the run's object. */
  readonly columns: readonly number[];
}

/** One set's rows in the objects of all runs, to be dealt out to partitions as if they lay in one spool. */
export class StoredRuns implements DealtRows {
  readonly deal: DealtRows["deal"];
  readonly spool: DealtRows["spool"];
  readonly #store: ObjectStore;
  readonly #id: Sharding["id"];
  readonly #parts: readonly RunPart[];

  constructor(store: ObjectStore, { id, request }: Sharding, plan: ShardingPlan, layout: ShardingLayout, set: SetName) {
    this.#store = store;
    this.#id = id;
    this.#parts = Array.from({ length: runCount(layout) }, (_, run) => {
      const range = runAt(layout, run);
      return { rows: shareOfRun(set, range, request), columns: columnStarts(plan, request, range, set) };
    });
    const rows = shareOf(set, layout.rows, request);
    const { partitions } = request;
    this.deal =
      request.order === "kept" ? new ContiguousDeal(partitions, rows) : new DealOfRuns(this.#parts, partitions);
    const rowBytes = plan.columns.map(storedRowBytes);
    this.spool = { read: (column, position, into) => this.#read(column, rowBytes[column] ?? 1, position, into) };
  }

  /** Rows are numbered through all runs. */
  async #read(column: number, rowBytes: number, position: number, into: Uint8Array): Promise<void> {
    let run = this.#parts.findLastIndex(({ rows }) => rows.start * rowBytes <= position);
    for (let filled = 0; filled < into.length; run++) {
      const part = this.#parts[run];
      if (part === undefined) throw shortSpool(keys.shardSpool(this.#id, run));
      const inRun = position + filled - part.rows.start * rowBytes;
      const length = Math.min(into.length - filled, (part.rows.end - part.rows.start) * rowBytes - inRun);
      if (length <= 0) continue;
      const start = (part.columns[column] ?? 0) + inRun;
      into.set(await this.#get(run, { start, end: start + length }), filled);
      filled += length;
    }
  }

  async #get(run: number, range: ByteRange): Promise<Uint8Array> {
    const key = keys.shardSpool(this.#id, run);
    const found = await this.#store.get(key, range);
    if (found?.body.length !== range.end - range.start) throw shortSpool(key);
    return found.body;
  }
}

export function shortSpool(key: string): StampedeError {
  const text = `Expected the rows of a run in ${key}, found fewer or none. They are read again.`;
  return new StampedeError("store.missing", text, { details: { key } });
}

/** Where each column of a set begins in a run's object. */
function columnStarts(
  { columns }: ShardingPlan,
  request: Sharding["request"],
  run: RowRange,
  set: SetName,
): readonly number[] {
  const rowBytes = columns.map(storedRowBytes);
  const bytesOf = (name: SetName, of: readonly number[]): number => {
    const { start, end } = shareOfRun(name, run, request);
    return (end - start) * of.reduce((sum, bytes) => sum + bytes, 0);
  };
  const sets = setsOf(request);
  const before = sets.slice(0, sets.indexOf(set)).reduce((sum, name) => sum + bytesOf(name, rowBytes), 0);
  return columns.map((_, column) => before + bytesOf(set, rowBytes.slice(0, column)));
}

/** Round robin through all runs: row t of the set is the partition's if t modulo the number of partitions is its number. */
class DealOfRuns {
  readonly #parts: readonly RunPart[];
  readonly #partitions: number;

  constructor(parts: readonly RunPart[], partitions: number) {
    this.#parts = parts;
    this.#partitions = partitions;
  }

  get rows(): number {
    return this.#parts.at(-1)?.rows.end ?? 0;
  }

  *segments(partition: number): Generator<Segment> {
    const count = this.#partitions;
    for (const { rows } of this.#parts) {
      const total = rows.end - rows.start;
      const each = Math.floor(total / count);
      const rest = total % count;
      const first = rows.start % count;
      const own = each + ((partition - first + count) % count < rest ? 1 : 0);
      // Of the partitions before this one, those that got one of the rows left over: they lie between `first` and `first + rest`, around the end.
      const more =
        Math.max(0, Math.min(partition, first + rest) - first) + Math.max(0, Math.min(partition, first + rest - count));
      if (own > 0) yield { start: rows.start + partition * each + more, rows: own };
    }
  }
}
