import { Worker } from "node:worker_threads";
import { StampedeError, type JobEvent } from "@stampede/core";
import { NativeLatch } from "./native-latch.js";
import type { FromThread, QueueName, ToThread } from "./protocol.js";

export interface ThreadOptions {
  /** URL of the module with the function (see ThreadModule). It comes from the composition root, never from a message. */
  readonly handlerUrl: string;
  /** Given to the function as `context.settings`; must be cloneable. */
  readonly settings: unknown;
  /** The memory that a thread may use, in MiB: its JavaScript heap, array buffers and WebAssembly together. */
  readonly memoryLimitMb: number;
  readonly onEvent: (event: JobEvent) => void;
  readonly onSend: (queue: QueueName, body: string) => void;
}

const host = new URL("./thread-host.js", import.meta.url);

/** One worker thread with a function in it. It runs one payload at a time and ends when it crashes, is stopped or grows too big. */
export class Thread {
  readonly #worker: Worker;
  readonly #options: ThreadOptions;
  readonly #latch = new NativeLatch();
  #running: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
  #ended = false;
  #gone = false;

  /** @param onEnd called once, when the thread is gone */
  constructor(options: ThreadOptions, onEnd: () => void) {
    const { handlerUrl, settings, memoryLimitMb } = options;
    this.#options = options;
    this.#worker = new Worker(host, {
      resourceLimits: { maxOldGenerationSizeMb: memoryLimitMb },
      name: "stampede",
    });
    this.#worker.on("message", (message: FromThread) => this.#hear(message));
    this.#worker.on("error", (cause) => this.#end(crashOf(cause, memoryLimitMb)));
    this.#worker.on("exit", (code) => {
      this.#gone = true;
      this.#end(exitOf(code));
      onEnd();
    });
    const memoryLimitBytes = memoryLimitMb * 2 ** 20;
    this.#post({ type: "open", handlerUrl, settings, memoryLimitBytes, latch: this.#latch.memory });
    // An idle thread does not keep the process alive.
    this.#worker.unref();
  }

  get isUsable(): boolean {
    return !this.#ended;
  }

  /** @throws StampedeError `task.crashed`, `task.out-of-memory`, the handler's own, or the reason given to `stop` */
  run(payload: unknown, remainingMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#post({ type: "invoke", payload, remainingMs });
      this.#running = { resolve, reject };
      this.#worker.ref();
    });
  }

  /** Whether native code runs in it, which must not be cut off, also not by the end of the process. */
  get isInNative(): boolean {
    return this.#latch.isInNative;
  }

  /** Ends the thread at once, unless native code runs: then when that returns. What it says afterwards is not heard. */
  async stop(reason: StampedeError): Promise<void> {
    this.#end(reason);
    await this.#latch.shut(() => this.#gone);
    await this.#worker.terminate();
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #hear(message: FromThread): void {
    if (this.#ended) return;
    switch (message.type) {
      case "event":
        return this.#options.onEvent(message.event);
      case "send":
        return this.#options.onSend(message.queue, message.body);
      case "done":
        return this.#settle();
      case "failed":
        return this.#settle(new StampedeError(message.error.code, message.error.message));
      case "out-of-memory":
        return this.#end(outOfMemory(this.#options.memoryLimitMb, `${Math.ceil(message.usedBytes / 2 ** 20)} MiB`));
      default:
        return message satisfies never;
    }
  }

  #settle(error?: StampedeError): void {
    const running = this.#running;
    this.#running = undefined;
    if (!this.#ended) this.#worker.unref();
    if (error === undefined) running?.resolve();
    else running?.reject(error);
  }

  /** Only the first reason counts. */
  #end(reason: StampedeError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#settle(reason);
  }
}

function crashOf(cause: unknown, memoryLimitMb: number): StampedeError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") return outOfMemory(memoryLimitMb, "that its heap needs more", cause);
  const found = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return new StampedeError(
    "task.crashed",
    `Expected a thread to finish its task, found an error that nobody caught: ${found}. The thread is replaced.`,
    { cause },
  );
}

function exitOf(exitCode: number): StampedeError {
  return new StampedeError(
    "task.crashed",
    `Expected a thread to finish its task, found that it ended with exit code ${exitCode}. It is replaced.`,
    { details: { exitCode } },
  );
}

function outOfMemory(memoryLimitMb: number, found: string, cause?: unknown): StampedeError {
  return new StampedeError(
    "task.out-of-memory",
    `Expected a task to need at most ${memoryLimitMb} MiB, found ${found}. Its thread is replaced; use more executors (smaller partitions) or raise the limit.`,
    { details: { memoryLimitMb }, cause },
  );
}
