import type { ErrorFacts, JobEvent } from "@stampede/core";

/** The queues that a function may send hints to. */
export type QueueName = "driver" | "deltas";

/**
 * What a function sees of the world around its thread or process; it cannot tell which of them it is in. One object for as long as
 * that lives, so that a function may keep it together with its other state.
 */
export interface FunctionContext {
  /** What the composition root gave to all workers of the function: the place of an environment's variables. */
  readonly settings: unknown;
  emit(event: JobEvent): void;
  send(queue: QueueName, body: string): void;
  /** Until the deadline of the invocation that runs; 0 when none does. */
  remainingMs(): number;
  /** The memory that is in use now, garbage included, as the function's limit counts it. */
  usedBytes(): number;
  /** Does work in native code, during which a thread is not ended. Such work MUST come to an end by itself, soon. */
  native<T>(work: () => Promise<T>): Promise<T>;
}

/** What a function's module exports. The worker stays warm between invocations, and with it the module's state. */
export interface FunctionModule {
  /** Called once, before there is anything to do: loads what will be needed. What fails here fails again where it is needed. */
  warm?(context: FunctionContext): Promise<void> | void;
  handle(payload: unknown, context: FunctionContext): Promise<void> | void;
}

/** The first message to a worker, then one for each invocation. */
export type ToWorker =
  | {
      readonly type: "open";
      readonly handlerUrl: string;
      readonly settings: unknown;
      readonly memoryLimitBytes: number;
    }
  | { readonly type: "invoke"; readonly payload: unknown; readonly remainingMs: number };

/** A worker runs one invocation at a time, so that `done` and `failed` need not say which. */
export type FromWorker =
  | { readonly type: "event"; readonly event: JobEvent }
  | { readonly type: "send"; readonly queue: QueueName; readonly body: string }
  | { readonly type: "done" }
  | { readonly type: "failed"; readonly error: ErrorFacts }
  | LastWord;

/** After this a worker ends at once. */
export type LastWord =
  | { readonly type: "out-of-memory"; readonly usedBytes: number }
  /** An error that nobody caught. Of a thread node:worker_threads itself reports it. */
  | { readonly type: "crashed"; readonly found: string };
