import { StampedeError } from "@stampede/core";
import { crashed, outOfMemory } from "./failures.js";
import type { FromWorker, ToWorker } from "./protocol.js";
import type { Isolation, WorkerOptions } from "./worker.js";

/** How messages reach a worker. */
export interface Line {
  readonly isolation: Isolation;
  /** @throws DataCloneError when the message cannot be sent */
  post(message: ToWorker): void;
  /** Whether the worker keeps this process alive. */
  keepAlive(keeps: boolean): void;
}

/** This side's half of what is said between the pool and one worker: who waits for an invocation, and why the worker ended. */
export class Conversation {
  readonly #options: WorkerOptions;
  readonly #line: Line;
  #running: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
  #reason: StampedeError | undefined;

  constructor(options: WorkerOptions, line: Line) {
    this.#options = options;
    this.#line = line;
  }

  get isOver(): boolean {
    return this.#reason !== undefined;
  }

  open(): void {
    const { handlerUrl, settings, memoryLimitMb } = this.#options;
    this.#line.post({ type: "open", handlerUrl, settings, memoryLimitBytes: memoryLimitMb * 2 ** 20 });
    // An idle worker does not keep the process alive.
    this.#line.keepAlive(false);
  }

  invoke(payload: unknown, remainingMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#reason !== undefined) throw this.#reason;
      this.#line.post({ type: "invoke", payload, remainingMs });
      this.#running = { resolve, reject };
      this.#line.keepAlive(true);
    });
  }

  hear(message: FromWorker): void {
    if (this.isOver) return;
    const { onEvent, onSend, memoryLimitMb } = this.#options;
    const { isolation } = this.#line;
    switch (message.type) {
      case "event":
        return onEvent(message.event);
      case "send":
        return onSend(message.queue, message.body);
      case "done":
        return this.#settle();
      case "failed":
        return this.#settle(new StampedeError(message.error.code, message.error.message));
      case "out-of-memory":
        return this.end(outOfMemory(isolation, memoryLimitMb, `${Math.ceil(message.usedBytes / 2 ** 20)} MiB`));
      case "crashed":
        return this.end(crashed(isolation, message.found));
      default:
        return message satisfies never;
    }
  }

  /** Nothing is heard any more. Only the first reason counts. */
  end(reason: StampedeError): void {
    if (this.isOver) return;
    this.#reason = reason;
    this.#settle(reason);
  }

  #settle(error?: StampedeError): void {
    const running = this.#running;
    this.#running = undefined;
    if (!this.isOver) this.#line.keepAlive(false);
    if (error === undefined) running?.resolve();
    else running?.reject(error);
  }
}
