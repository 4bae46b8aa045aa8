import type { VirtualTime } from "../simulation/virtual-time.js";

/** Something that does one thing after the other, in the order in which it is asked. */
export class Line {
  readonly #time: VirtualTime;
  #freeAt = 0;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** @param done when what takes `ms` has been done */
  take(ms: number, done: () => void): void {
    this.#freeAt = Math.max(this.#freeAt, this.#time.exact) + ms;
    this.#time.at(this.#freeAt, done);
  }
}
