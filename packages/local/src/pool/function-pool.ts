import type { Clock, Timers } from "@stampede/core";
import { closedPool, timedOut } from "./failures.js";
import { startProcess } from "./process-worker.js";
import { ThreadWorker } from "./thread-worker.js";
import type { FunctionWorker, Isolation, StartWorker, WorkerOptions } from "./worker.js";

export interface FunctionPoolOptions extends WorkerOptions {
  /** What the function runs in. @default "thread" */
  readonly isolation?: Isolation;
  /** How many payloads run at the same time. */
  readonly workers: number;
  readonly clock: Clock;
  readonly timers: Timers;
}

export interface RunOptions {
  /** Milliseconds since the epoch. Waiting for a worker counts too; one whose work lasts longer is ended. */
  readonly deadlineAt: number;
  /** Work with the same text prefers a worker that did it before, and finds its data in memory there. */
  readonly affinity?: string;
}

interface Work {
  readonly payload: unknown;
  readonly options: RunOptions;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  cancelTimer: () => void;
  /** How often younger work went first because its data was in memory. */
  overtaken: number;
}

interface Slot {
  readonly worker: FunctionWorker;
  /** What it has done, the latest last. */
  readonly affinities: Set<string>;
  work: Work | undefined;
}

/** The longest delay that setTimeout takes. */
const maxTimerMs = 2 ** 31 - 1;
/** What one worker is remembered for; a long life must not make the memory grow. */
const maxAffinities = 1000;
/** After that the oldest work goes first whatever is in memory. */
const maxOvertaken = 8;

const starters: Readonly<Record<Isolation, StartWorker>> = {
  thread: (options, onGone) => new ThreadWorker(options, onGone),
  process: startProcess,
};

/**
 * A function on workers: threads, or processes. They stay warm between payloads; one that crashes, hangs or outgrows its memory is
 * replaced when it is next needed. More payloads than workers wait their turn.
 */
export class FunctionPool {
  readonly #options: FunctionPoolOptions;
  readonly #isolation: Isolation;
  readonly #slots = new Set<Slot>();
  /** The longest idle first. */
  readonly #idle = new Set<Slot>();
  /** The oldest first. */
  readonly #waiting = new Set<Work>();
  #closed = false;

  constructor(options: FunctionPoolOptions) {
    this.#options = options;
    this.#isolation = options.isolation ?? "thread";
  }

  /** Starts all workers, so that loading the function overlaps with other work. */
  warm(): void {
    while (!this.#closed && this.#slots.size < this.#options.workers) this.#idle.add(this.#addSlot());
  }

  /**
   * Runs the function on a payload, which must be cloneable.
   * @throws StampedeError `task.timed-out`, `task.crashed`, `task.out-of-memory`; `job.interrupted` when the pool is closed; or
   *   what the function threw (`internal.unexpected` for an error that is not Stampede's)
   */
  run(payload: unknown, options: RunOptions): Promise<void> {
    const { clock, timers } = this.#options;
    const remainingMs = options.deadlineAt - clock.now();
    if (this.#closed) return Promise.reject(closedPool());
    if (remainingMs <= 0) return Promise.reject(timedOut("its deadline was over before it began"));
    return new Promise((resolve, reject) => {
      const work: Work = { payload, options, resolve, reject, cancelTimer: () => undefined, overtaken: 0 };
      work.cancelTimer = timers.after(Math.min(remainingMs, maxTimerMs), () => this.#timeOut(work));
      this.#waiting.add(work);
      this.#assign();
    });
  }

  /** Whether a thread runs native code: it, and so this process, cannot be ended now without harm. */
  get isInNative(): boolean {
    return [...this.#slots].some(({ worker }) => worker.isInNative);
  }

  /**
   * Ends every worker at once (native code in a thread first comes to its end) and resolves when they are gone. Work that runs or
   * waits is rejected with `job.interrupted`.
   */
  async close(): Promise<void> {
    this.#closed = true;
    for (const work of this.#waiting) this.#settle(work, closedPool());
    await Promise.all([...this.#slots].map(({ worker }) => worker.stop(closedPool())));
  }

  #assign(): void {
    for (let next = this.#choose(); next !== undefined; next = this.#choose()) {
      this.#waiting.delete(next.work);
      this.#idle.delete(next.slot);
      void this.#runOn(next.slot, next.work);
    }
  }

  /**
   * What runs next, and where. A worker is never left idle for the sake of data in another one: reading a partition again takes
   * less time than most tasks. But of the work that waits, a worker takes what it has the data for before what it has not.
   */
  #choose(): { readonly work: Work; readonly slot: Slot } | undefined {
    const [oldest] = this.#waiting;
    if (oldest === undefined || this.#closed) return undefined;
    for (const work of oldest.overtaken < maxOvertaken ? this.#waiting : [oldest]) {
      const slot = this.#idleWith(work.options.affinity);
      if (slot === undefined) continue;
      if (work !== oldest) oldest.overtaken += 1;
      return { work, slot };
    }
    const slot = this.#anyIdle() ?? (this.#slots.size < this.#options.workers ? this.#addSlot() : undefined);
    return slot && { work: oldest, slot };
  }

  #idleWith(affinity: string | undefined): Slot | undefined {
    if (affinity === undefined) return undefined;
    return [...this.#idle].find(({ worker, affinities }) => worker.isUsable && affinities.has(affinity));
  }

  /** One that has nothing in memory yet, else the one that has been idle longest. */
  #anyIdle(): Slot | undefined {
    const usable = [...this.#idle].filter(({ worker }) => worker.isUsable);
    return usable.find(({ affinities }) => affinities.size === 0) ?? usable[0];
  }

  async #runOn(slot: Slot, work: Work): Promise<void> {
    const { deadlineAt, affinity } = work.options;
    slot.work = work;
    if (affinity !== undefined) remember(slot.affinities, affinity);
    try {
      await slot.worker.run(work.payload, deadlineAt - this.#options.clock.now());
      this.#settle(work);
    } catch (error) {
      this.#settle(work, error);
    }
    slot.work = undefined;
    if (slot.worker.isUsable) this.#idle.add(slot);
    this.#assign();
  }

  #timeOut(work: Work): void {
    if (this.#waiting.has(work)) return this.#settle(work, timedOut(`it was still waiting for a ${this.#isolation}`));
    for (const slot of this.#slots) {
      if (slot.work === work) void slot.worker.stop(timedOut(`it was stopped, and its ${this.#isolation} is replaced`));
    }
  }

  #settle(work: Work, error?: unknown): void {
    this.#waiting.delete(work);
    work.cancelTimer();
    if (error === undefined) work.resolve();
    else work.reject(error);
  }

  #addSlot(): Slot {
    const slot: Slot = {
      worker: starters[this.#isolation](this.#options, () => {
        this.#slots.delete(slot);
        this.#idle.delete(slot);
        this.#assign();
      }),
      affinities: new Set(),
      work: undefined,
    };
    this.#slots.add(slot);
    return slot;
  }
}

function remember(affinities: Set<string>, affinity: string): void {
  affinities.delete(affinity);
  affinities.add(affinity);
  const [oldest] = affinities;
  if (affinities.size > maxAffinities && oldest !== undefined) affinities.delete(oldest);
}
