import type { SourceArray, SourceDType } from "../sources/source.js";

/** The values of one field in row-major order, from a file, a part of one, several, or memory. */
export interface ArrayInput {
  /** For messages. */
  readonly name: string;
  readonly dtype: SourceDType;
  readonly rowShape: readonly number[];
  readonly rows: number;
  /** The values of rows `start` ... `end - 1` once, in blocks of exactly `blockRows` rows but for the last; each is valid until the next is asked for. */
  blocks(blockRows: number, start: number, end: number): AsyncIterator<SourceArray>;
  placeOf(row: number): string;
}
