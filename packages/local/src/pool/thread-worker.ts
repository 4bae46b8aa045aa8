import { Worker } from "node:worker_threads";
import type { StampedeError } from "@stampede/core";
import { afterOutput } from "./after-output.js";
import { Conversation } from "./conversation.js";
import { crashed, outOfMemory } from "./failures.js";
import { NativeLatch } from "./native-latch.js";
import type { FromWorker } from "./protocol.js";
import type { FunctionWorker, WorkerOptions } from "./worker.js";

const host = new URL("./thread-host.js", import.meta.url);

/** A function in a worker thread. */
export class ThreadWorker implements FunctionWorker {
  readonly #worker: Worker;
  readonly #conversation: Conversation;
  readonly #latch = new NativeLatch();
  #isGone = false;

  constructor(options: WorkerOptions, onGone: () => void) {
    const { memoryLimitMb } = options;
    const worker = new Worker(host, {
      resourceLimits: { maxOldGenerationSizeMb: memoryLimitMb },
      workerData: this.#latch.memory,
      name: "stampede",
    });
    this.#worker = worker;
    this.#conversation = new Conversation(options, {
      isolation: "thread",
      post: (message) => worker.postMessage(message),
      keepAlive: (keeps) => (keeps ? worker.ref() : worker.unref()),
    });
    worker.on("message", (message: FromWorker) => afterOutput(() => this.#conversation.hear(message)));
    worker.on("error", (cause) => afterOutput(() => this.#conversation.end(crashOf(cause, memoryLimitMb))));
    worker.on("exit", (exitCode) => {
      this.#isGone = true;
      const found = `that it ended with exit code ${exitCode}`;
      afterOutput(() => {
        this.#conversation.end(crashed("thread", found, { details: { exitCode } }));
        onGone();
      });
    });
    this.#conversation.open();
  }

  get isUsable(): boolean {
    return !this.#isGone && !this.#conversation.isOver;
  }

  get isInNative(): boolean {
    return this.#latch.isInNative;
  }

  run(payload: unknown, remainingMs: number): Promise<void> {
    return this.#conversation.invoke(payload, remainingMs);
  }

  /** At once, unless native code runs: then when that returns. */
  async stop(reason: StampedeError): Promise<void> {
    this.#conversation.end(reason);
    await this.#latch.shut(() => this.#isGone);
    await this.#worker.terminate();
  }
}

function crashOf(cause: unknown, memoryLimitMb: number): StampedeError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") {
    return outOfMemory("thread", memoryLimitMb, "that its heap needs more", cause);
  }
  const found = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return crashed("thread", `an error that nobody caught: ${found}`, { cause });
}
