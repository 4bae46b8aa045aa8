import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Between two looks; one takes 2 to 20 us. */
const everyMs = 100;

/** Watches the memory of its own thread or process. V8's own limit covers the JavaScript heap only. */
export class MemoryGuard {
  readonly #limitBytes: number;
  readonly #usedBytes: () => number;
  readonly #onExceeded: (usedBytes: number) => void;
  #lookedAt = 0;

  constructor(limitBytes: number, usedBytes: () => number, onExceeded: (usedBytes: number) => void) {
    this.#limitBytes = limitBytes;
    this.#usedBytes = usedBytes;
    this.#onExceeded = onExceeded;
    // A function that waits is watched by this timer; one that computes without a pause, whenever it says something.
    setInterval(() => this.look(), everyMs).unref();
  }

  /** Looks now, unless it did a moment ago. */
  look(): void {
    const now = performance.now();
    if (now - this.#lookedAt < everyMs) return;
    this.#lookedAt = now;
    this.check();
  }

  /** Calls `onExceeded` when the limit is exceeded by memory that is in use. */
  check(): void {
    if (this.#usedBytes() <= this.#limitBytes) return;
    collectGarbage();
    const used = this.#usedBytes();
    if (used > this.#limitBytes) this.#onExceeded(used);
  }
}

/**
 * The memory of one thread: its JavaScript heap and what it refers to outside (array buffers, WebAssembly). What native code
 * allocates for itself cannot be told apart from other threads'.
 */
export function isolateBytes(): number {
  const { used_heap_size: heap, external_memory: outside } = getHeapStatistics();
  return heap + outside;
}

/**
 * What nobody refers to any more must not count. Only in need: it stops the thread for some milliseconds. Buffers are freed by other
 * threads; the second collection waits for those of the first.
 */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc(); gc()");
}
