import type { UniqueSource } from "@stampede/core";

/** Counts: 0, 1, 2, ... in hex. Unique within one instance. */
export class SequentialUnique implements UniqueSource {
  #next = 0;

  hex(digits: number): string {
    const text = (this.#next++).toString(16);
    if (text.length > digits) throw new RangeError(`${digits} hex digits are used up`);
    return text.padStart(digits, "0");
  }
}
