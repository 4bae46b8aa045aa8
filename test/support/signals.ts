/** Texts in the order in which they came, and a way to wait for one. */
export class Signals {
  readonly all: string[] = [];
  readonly #waiting = new Set<() => void>();

  add(text: string): void {
    this.all.push(text);
    for (const look of this.#waiting) look();
  }

  /** Resolves with the first `count` texts that fit, among those that came or are yet to come. */
  next(fits: (text: string) => boolean, count = 1): Promise<readonly string[]> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.all.filter((text) => fits(text)).slice(0, count);
        if (found.length < count) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }
}
