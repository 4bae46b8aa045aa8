import { StampedeError, toErrorFacts } from "@stampede/core";
import { MemoryGuard } from "./memory-guard.js";
import type { FromWorker, FunctionContext, FunctionModule, LastWord, ToWorker } from "./protocol.js";

/** What differs between a thread and a process, seen from inside. */
export interface HostParts {
  readonly tell: (message: FromWorker) => void;
  /** Says it and ends the worker, whatever it does. */
  readonly die: (word: LastWord) => void;
  /** The memory in use, garbage included. */
  readonly usedBytes: () => number;
  readonly native: <T>(work: () => Promise<T>) => Promise<T>;
}

interface Opened {
  readonly module: Promise<FunctionModule>;
  readonly context: FunctionContext;
  readonly guard: MemoryGuard;
}

// stdout belongs to results: what a library prints in a worker goes where words to people go.
Object.defineProperty(process, "stdout", { value: process.stderr });

/** What runs in every worker: it loads the function's module, and runs its invocations one after another. */
export class Host {
  readonly #parts: HostParts;
  #opened: Opened | undefined;
  #deadline = 0;

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  hear(message: ToWorker): void {
    if (message.type === "open") this.#opened = this.#open(message);
    else void this.#invoke(message);
  }

  #open({ handlerUrl, settings, memoryLimitBytes }: Extract<ToWorker, { type: "open" }>): Opened {
    const { tell, die, usedBytes, native } = this.#parts;
    const guard = new MemoryGuard(memoryLimitBytes, usedBytes, (used) =>
      die({ type: "out-of-memory", usedBytes: used }),
    );
    const context: FunctionContext = {
      settings,
      emit: (event) => {
        tell({ type: "event", event });
        guard.look();
      },
      send: (queue, body) => {
        tell({ type: "send", queue, body });
        guard.look();
      },
      remainingMs: () => Math.max(0, this.#deadline - performance.now()),
      usedBytes,
      native,
    };
    const module = load(handlerUrl);
    // The first invocation reports what fails.
    module.then((loaded) => loaded.warm?.(context)).catch(() => undefined);
    return { module, context, guard };
  }

  async #invoke({ payload, remainingMs }: Extract<ToWorker, { type: "invoke" }>): Promise<void> {
    this.#deadline = performance.now() + remainingMs;
    try {
      if (this.#opened === undefined) throw new Error("A worker was invoked before it was opened.");
      const module = await this.#opened.module;
      await module.handle(payload, this.#opened.context);
      this.#opened.guard.check();
      this.#parts.tell({ type: "done" });
    } catch (error) {
      this.#parts.tell({ type: "failed", error: toErrorFacts(error) });
    } finally {
      this.#deadline = 0;
    }
  }
}

async function load(handlerUrl: string): Promise<FunctionModule> {
  const loaded: unknown = await import(handlerUrl);
  if (isFunctionModule(loaded)) return loaded;
  throw new StampedeError(
    "internal.unexpected",
    `Expected ${handlerUrl} to export a function named "handle", found none. Its worker can do nothing.`,
  );
}

function isFunctionModule(loaded: unknown): loaded is FunctionModule {
  return typeof loaded === "object" && loaded !== null && "handle" in loaded && typeof loaded.handle === "function";
}
