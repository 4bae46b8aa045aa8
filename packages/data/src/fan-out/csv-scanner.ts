import { carriageReturn, lineFeed, quoteMark } from "../csv/segments.js";

/**
 * Counts the records of CSV text that is given piece by piece. Where the text begins in the middle of a file nobody knows whether
 * that is inside of quotes, so both are counted at once. Empty lines are none.
 */
export class CsvScanner {
  /** Records that ended, if the text begins outside of quotes, and if inside. */
  readonly records: [number, number] = [0, 0];
  lineFeeds = 0;
  /** Whether the number of quotes is odd. */
  flips = false;
  #before: number;
  #beforeThat: number;

  /** @param before the two bytes before the text; none at the beginning of a file, which is like the end of a line */
  constructor(before: Uint8Array = new Uint8Array(0)) {
    this.#before = before.at(-1) ?? lineFeed;
    this.#beforeThat = before.at(-2) ?? lineFeed;
  }

  /**
   * @param wanted stop after this many records of a text that begins outside (0) or inside (1) of quotes
   * @returns the position after the line feed of that record; -1 where the text ends before
   */
  scan(bytes: Uint8Array, wanted?: { readonly records: number; readonly inQuotes: 0 | 1 }): number {
    let open: 0 | 1 = this.flips ? 1 : 0;
    let before = this.#before;
    let beforeThat = this.#beforeThat;
    let stop = -1;
    for (let at = 0; at < bytes.length && stop < 0; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === quoteMark) open = open === 0 ? 1 : 0;
      else if (byte === lineFeed) {
        this.lineFeeds++;
        const empty = before === lineFeed || (before === carriageReturn && beforeThat === lineFeed);
        if (!empty) {
          // A record ends here if this is outside of quotes: with an even number of them, if the text began outside.
          this.records[open]++;
          if (wanted?.inQuotes === open && this.records[open] === wanted.records) stop = at + 1;
        }
      }
      beforeThat = before;
      before = byte;
    }
    this.flips = open === 1;
    this.#before = before;
    this.#beforeThat = beforeThat;
    return stop;
  }

  /** The end of the file, which ends a record too. */
  finish(): void {
    const empty = this.#before === lineFeed || (this.#before === carriageReturn && this.#beforeThat === lineFeed);
    if (empty) return;
    this.records[0]++;
    this.records[1]++;
  }
}
