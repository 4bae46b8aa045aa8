import type { JobEvent, StampedeError } from "@stampede/core";
import type { QueueName } from "./protocol.js";

/** What a function runs in, beside others: a thread of this process, or a process of its own. */
export type Isolation = "thread" | "process";

export interface WorkerOptions {
  /** URL of the module with the function (see FunctionModule). It comes from the composition root, never from a message. */
  readonly handlerUrl: string;
  /** Given to the function as `context.settings`; must be cloneable. */
  readonly settings: unknown;
  /**
   * The memory that one worker may use, in MiB. Of a thread its JavaScript heap, array buffers and WebAssembly together; of a
   * process all that is resident, native memory and Node.js itself (70 MiB) included.
   */
  readonly memoryLimitMb: number;
  readonly onEvent: (event: JobEvent) => void;
  readonly onSend: (queue: QueueName, body: string) => void;
}

/** A function in its thread or process. It runs one payload at a time and ends when it crashes, is stopped or grows too big. */
export interface FunctionWorker {
  /** False once it has ended or is about to. */
  readonly isUsable: boolean;
  /** Whether native code runs in it that must not be cut off, also not by the end of this process. */
  readonly isInNative: boolean;
  /** @throws StampedeError `task.crashed`, `task.out-of-memory`, the function's own, or the reason given to `stop` */
  run(payload: unknown, remainingMs: number): Promise<void>;
  /** Ends it as soon as it can be ended, and resolves when it is gone. What it says afterwards is not heard. */
  stop(reason: StampedeError): Promise<void>;
}

/** @param onGone called once, when the worker has ended */
export type StartWorker = (options: WorkerOptions, onGone: () => void) => FunctionWorker;
