import type { JobEvent } from "../schema/events.js";
import type { TaskMessage } from "../schema/messages.js";

/** The only way to know the time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

/** The only way to be called later. */
export interface Timers {
  /** Calls `callback` once, `delayMs` from now or as soon after as it can be, and returns a function that prevents it. MUST NOT call it at once. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The only source of what must differ between two tries; never used for numbers that training depends on. */
export interface UniqueSource {
  /** A string of `digits` hex digits that no other call returns again. */
  hex(digits: number): string;
}

/** Starts executors: worker threads, Lambda functions or Batch jobs. */
export interface Executors {
  /**
   * Resolves when the platform has taken the task over, not when it is done. The platform MUST NOT retry by itself, MUST stop
   * an attempt that outlives `deadlineAt`, and SHOULD report one that ended without a word as `invocation-failed`.
   * Rejects with a StampedeError: `store.unavailable` when the platform does not answer; the task may have been taken over all the same.
   */
  start(task: TaskMessage): Promise<void>;
}

/** Where a job tells what it does. MUST NOT throw and MUST NOT wait. */
export interface EventSink {
  emit(event: JobEvent): void;
}
