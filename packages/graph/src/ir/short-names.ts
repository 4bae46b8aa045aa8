import { lettersOf } from "../format/letters.js";

/** Names of values inside a graph. Large graphs use some thousands of them several times each. */
export class ShortNames {
  readonly #taken: ReadonlySet<string>;
  #next = 0;

  /** @param taken names that are given already */
  constructor(taken: ReadonlySet<string>) {
    this.#taken = taken;
  }

  next(): string {
    const name = lettersOf(this.#next);
    this.#next += 1;
    return this.#taken.has(name) ? this.next() : name;
  }
}
