import { deriveKey, uniformStream } from "@stampede/core";

/** Of the whole run: STAMPEDE_CHAOS_SEED, which the global setup chooses where nobody did. */
export const seed = Number(process.env["STAMPEDE_CHAOS_SEED"] ?? 0);

/** Random numbers that follow from the run's seed and the name of their use, so that tests do not depend on each other's. */
export class Dice {
  readonly #next: () => number;

  constructor(name: string) {
    this.#next = uniformStream(deriveKey(seed, name));
  }

  /** A number from `least` up to, but not, `limit`. */
  between(least: number, limit: number): number {
    return least + this.#next() * (limit - least);
  }

  /** A whole number 0 ... range - 1. */
  below(range: number): number {
    return Math.floor(this.#next() * range);
  }

  /** True in one of so many cases. */
  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  /** @throws Error when there is nothing to pick from */
  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)];
    if (picked === undefined) throw new Error("nothing to pick from");
    return picked;
  }

  shuffled<T>(list: readonly T[]): T[] {
    return list
      .map((value) => ({ value, order: this.#next() }))
      .toSorted((a, b) => a.order - b.order)
      .map(({ value }) => value);
  }
}
