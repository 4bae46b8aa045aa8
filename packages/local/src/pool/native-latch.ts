import { setTimeout as sleep } from "node:timers/promises";

/** Nobody will begin native work any more. Otherwise the number in the latch is that of works under way. */
const shut = -1;
/** How often whoever waits for native work to end looks again. */
const lookMs = 2;

/**
 * Keeps a thread from being ended in the middle of native code: an addon that comes back to a thread which is ending throws where
 * nobody can catch it, and that aborts the whole process. One memory, seen by the thread and by whoever ends it.
 */
export class NativeLatch {
  readonly memory: SharedArrayBuffer;
  readonly #works: Int32Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#works = new Int32Array(memory);
  }

  get isInNative(): boolean {
    return Atomics.load(this.#works, 0) > 0;
  }

  /** In the thread: the work begins only if the thread is not about to end, and else never: the promise then has no end either. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#enter()) return new Promise(() => undefined);
    try {
      return await work();
    } finally {
      Atomics.sub(this.#works, 0, 1);
    }
  }

  /** Outside: resolves when no native work runs and none can begin; at once when none runs, or when the thread is `gone`. */
  async shut(gone: () => boolean): Promise<void> {
    while (!gone() && Atomics.compareExchange(this.#works, 0, 0, shut) > 0) await sleep(lookMs);
  }

  #enter(): boolean {
    for (;;) {
      const works = Atomics.load(this.#works, 0);
      if (works === shut) return false;
      if (Atomics.compareExchange(this.#works, 0, works, works + 1) === works) return true;
    }
  }
}
