import type { ErrorFacts, JobEvent } from "@stampede/core";

/** The queues that a function may send hints to. */
export type QueueName = "driver" | "deltas";

/**
 * What a function sees of the world around its thread. One object for the thread's whole life, so that a function may keep it
 * together with its other state.
 */
export interface ThreadContext {
  /** What the composition root gave to all threads of the function: the place of an environment's variables. */
  readonly settings: unknown;
  emit(event: JobEvent): void;
  send(queue: QueueName, body: string): void;
  /** Until the deadline of the invocation that runs; 0 when none does. */
  remainingMs(): number;
  /** Does work in native code, during which the thread is not ended. Such work MUST come to an end by itself, soon. */
  native<T>(work: () => Promise<T>): Promise<T>;
}

/** What a function's module exports. The thread stays warm between invocations, and with it the module's state. */
export interface ThreadModule {
  /** Called once, before there is anything to do: loads what will be needed. What fails here fails again where it is needed. */
  warm?(context: ThreadContext): Promise<void> | void;
  handle(payload: unknown, context: ThreadContext): Promise<void> | void;
}

/** The first message to a thread, then one for each invocation. */
export type ToThread =
  | {
      readonly type: "open";
      readonly handlerUrl: string;
      readonly settings: unknown;
      readonly memoryLimitBytes: number;
      /** Of a NativeLatch. */
      readonly latch: SharedArrayBuffer;
    }
  | { readonly type: "invoke"; readonly payload: unknown; readonly remainingMs: number };

/** A thread runs one invocation at a time, so that `done` and `failed` need not say which. */
export type FromThread =
  | { readonly type: "event"; readonly event: JobEvent }
  | { readonly type: "send"; readonly queue: QueueName; readonly body: string }
  | { readonly type: "done" }
  | { readonly type: "failed"; readonly error: ErrorFacts }
  /** The last word of a thread that is over its limit: it ends at once. */
  | { readonly type: "out-of-memory"; readonly usedBytes: number };
