import type { Clock, Timers } from "@stampede/core";

interface Due {
  readonly at: number;
  /** Decides between those of one time. */
  readonly order: number;
  act: (() => void) | undefined;
}

/**
 * Time that passes only when nothing is left to do. What is due happens one after the other; between two of them every promise that
 * is settled runs as far as it can.
 */
export class VirtualTime implements Clock, Timers {
  #now: number;
  #made = 0;
  readonly #heap: Due[] = [];

  /** @param now milliseconds since the epoch */
  constructor(now: number) {
    this.#now = now;
  }

  /** Whole milliseconds, as clocks tell. */
  now(): number {
    return Math.floor(this.#now);
  }

  /** With fractions, for who has to know the order of things. */
  get exact(): number {
    return this.#now;
  }

  /** How much is still to happen, as far as it is known. */
  get pending(): number {
    return this.#heap.length;
  }

  /** Lets something happen at a time, or now where that has passed. */
  at(at: number, act: () => void): void {
    this.#add(at, act);
  }

  after(delayMs: number, callback: () => void): () => void {
    const due = this.#add(this.#now + Math.max(0, delayMs), callback);
    return () => {
      due.act = undefined;
    };
  }

  /**
   * Lets things happen until nothing is left, or `isOver` says so before the next one.
   * @param settle runs after each, when nothing more can run by itself
   */
  run(isOver: () => boolean, settle: () => Promise<void> | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (): void => {
        try {
          const due = isOver() ? undefined : this.#next();
          if (due === undefined) return resolve();
          this.#now = Math.max(this.#now, due.at);
          due.act?.();
          queueMicrotask(drained);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      // A tick that is asked for by a microtask comes after all microtasks: much cheaper than a turn of the event loop.
      const drained = (): void => process.nextTick(settled);
      const settled = (): void => {
        const waiting = settle();
        if (waiting === undefined) step();
        else waiting.then(step, reject);
      };
      step();
    });
  }

  /** Lets `ms` pass, with all that is due meanwhile. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    let isOver = false;
    this.at(end, () => {
      isOver = true;
    });
    await this.run(
      () => isOver,
      () => undefined,
    );
  }

  #add(at: number, act: () => void): Due {
    const due: Due = { at, order: this.#made, act };
    this.#made += 1;
    push(this.#heap, due);
    return due;
  }

  #next(): Due | undefined {
    for (let due = pop(this.#heap); due !== undefined; due = pop(this.#heap)) {
      if (due.act !== undefined) return due;
    }
    return undefined;
  }
}

/** A binary heap: the parent of entry i is entry (i - 1) / 2. */
function push(heap: Due[], due: Due): void {
  let at = heap.length;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || isBefore(above, due)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = due;
}

function pop(heap: Due[]): Due | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || first === last) return first;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const [a, b] = [heap[left], heap[left + 1]];
    if (a === undefined) break;
    const isLeft = b === undefined || isBefore(a, b);
    const below = isLeft ? a : b;
    if (isBefore(last, below)) break;
    heap[at] = below;
    at = isLeft ? left : left + 1;
  }
  heap[at] = last;
  return first;
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
