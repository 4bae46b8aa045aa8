import { Scratch } from "../scratch.js";

/** Rows of a spool that lie next to each other and belong to one partition. */
export interface Segment {
  readonly start: number;
  readonly rows: number;
}

/** Decides which rows go to which partition, while the number of all rows is still unknown. */
export interface Deal {
  /** Rows taken so far. */
  readonly rows: number;
  /**
   * Takes rows of a block, given by their index in the block, and answers them in the order in which they are to be appended to the
   * spool. The answer is valid until the next call.
   */
  take(rows: Uint32Array): Uint32Array;
  /** Where a partition's rows lie in the spool, in order. Only after the last `take`. */
  segments(partition: number): Iterable<Segment>;
}

interface Hand {
  readonly start: number;
  readonly rows: number;
  /** The partition that got the first row. */
  readonly first: number;
}

/**
 * Round robin: row after row goes to the next partition, across blocks, so that partitions differ by at most one row whatever the
 * number of rows turns out to be. Within a block a partition's rows lie side by side.
 */
export class RoundRobinDeal implements Deal {
  readonly #partitions: number;
  readonly #offset: number;
  readonly #hands: Hand[] = [];
  readonly #scratch = new Scratch();
  #rows = 0;

  /** @param offset rows that others have dealt before */
  constructor(partitions: number, offset = 0) {
    this.#partitions = partitions;
    this.#offset = offset;
  }

  get rows(): number {
    return this.#rows;
  }

  take(rows: Uint32Array): Uint32Array {
    const order = new Uint32Array(this.#scratch.take(4 * rows.length).buffer, 0, rows.length);
    let at = 0;
    for (let slot = 0; slot < Math.min(this.#partitions, rows.length); slot++) {
      for (let index = slot; index < rows.length; index += this.#partitions) order[at++] = rows[index] ?? 0;
    }
    this.#hands.push({ start: this.#rows, rows: rows.length, first: (this.#offset + this.#rows) % this.#partitions });
    this.#rows += rows.length;
    return order;
  }

  *segments(partition: number): Generator<Segment> {
    const count = this.#partitions;
    for (const { start, rows, first } of this.#hands) {
      const slot = (partition - first + count) % count;
      const each = Math.floor(rows / count);
      const rest = rows % count;
      const own = each + (slot < rest ? 1 : 0);
      if (own > 0) yield { start: start + slot * each + Math.min(slot, rest), rows: own };
    }
  }
}

/** Keeps the order of the source: partition after partition gets the next run of rows. */
export class ContiguousDeal implements Deal {
  readonly #partitions: number;
  #rows: number;

  /** @param rows that were taken already */
  constructor(partitions: number, rows = 0) {
    this.#partitions = partitions;
    this.#rows = rows;
  }

  get rows(): number {
    return this.#rows;
  }

  take(rows: Uint32Array): Uint32Array {
    this.#rows += rows.length;
    return rows;
  }

  *segments(partition: number): Generator<Segment> {
    const each = Math.floor(this.#rows / this.#partitions);
    const rest = this.#rows % this.#partitions;
    const rows = each + (partition < rest ? 1 : 0);
    if (rows > 0) yield { start: partition * each + Math.min(partition, rest), rows };
  }
}

export function rowsOf(deal: Pick<Deal, "segments">, partition: number): number {
  let rows = 0;
  for (const segment of deal.segments(partition)) rows += segment.rows;
  return rows;
}
