/** Numbers texts in order of first appearance; with `known` texts no new one is taken in. */
export class CategoryTable {
  readonly #numbers = new Map<string, number>();
  readonly #closed: boolean;

  constructor(known?: readonly string[]) {
    for (const text of known ?? []) this.#numbers.set(text, this.#numbers.size);
    this.#closed = known !== undefined;
  }

  /** Whether new texts are taken in. */
  get isOpen(): boolean {
    return !this.#closed;
  }

  get size(): number {
    return this.#numbers.size;
  }

  get texts(): readonly string[] {
    return [...this.#numbers.keys()];
  }

  /** The text's number; -1 for a text that a closed table lacks. */
  numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    if (this.#closed) return -1;
    this.#numbers.set(text, this.#numbers.size);
    return this.#numbers.size - 1;
  }
}
