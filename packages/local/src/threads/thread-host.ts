import { parentPort } from "node:worker_threads";
import { StampedeError, toErrorFacts } from "@stampede/core";
import { MemoryGuard } from "./memory-guard.js";
import { NativeLatch } from "./native-latch.js";
import type { FromThread, ThreadContext, ThreadModule, ToThread } from "./protocol.js";

/** The program of every thread: it loads the function's module, and runs its invocations one after another. */

interface Host {
  readonly module: Promise<ThreadModule>;
  readonly context: ThreadContext;
  readonly guard: MemoryGuard;
}

// stdout belongs to results: what a library prints in a thread goes where words to people go.
Object.defineProperty(process, "stdout", { value: process.stderr });

let host: Host | undefined;
let deadline = 0;

parentPort?.on("message", (message: ToThread) => {
  if (message.type === "open") host = open(message);
  else void invoke(message);
});

function tell(message: FromThread): void {
  parentPort?.postMessage(message);
}

function open({ handlerUrl, settings, memoryLimitBytes, latch: memory }: Extract<ToThread, { type: "open" }>): Host {
  const guard = new MemoryGuard(memoryLimitBytes, (usedBytes) => {
    tell({ type: "out-of-memory", usedBytes });
    process.exit();
  });
  const latch = new NativeLatch(memory);
  const context: ThreadContext = {
    settings,
    emit: (event) => {
      tell({ type: "event", event });
      guard.look();
    },
    send: (queue, body) => {
      tell({ type: "send", queue, body });
      guard.look();
    },
    remainingMs: () => Math.max(0, deadline - performance.now()),
    native: (work) => latch.during(work),
  };
  const module = load(handlerUrl);
  // The first invocation reports what fails.
  module.then((loaded) => loaded.warm?.(context)).catch(() => undefined);
  return { module, context, guard };
}

async function invoke({ payload, remainingMs }: Extract<ToThread, { type: "invoke" }>): Promise<void> {
  deadline = performance.now() + remainingMs;
  try {
    if (host === undefined) throw new Error("A thread was invoked before it was opened.");
    const module = await host.module;
    await module.handle(payload, host.context);
    host.guard.check();
    tell({ type: "done" });
  } catch (error) {
    tell({ type: "failed", error: toErrorFacts(error) });
  } finally {
    deadline = 0;
  }
}

async function load(handlerUrl: string): Promise<ThreadModule> {
  const loaded: unknown = await import(handlerUrl);
  if (isThreadModule(loaded)) return loaded;
  throw new StampedeError(
    "internal.unexpected",
    `Expected ${handlerUrl} to export a function named "handle", found none. Its thread can do nothing.`,
  );
}

function isThreadModule(loaded: unknown): loaded is ThreadModule {
  return typeof loaded === "object" && loaded !== null && "handle" in loaded && typeof loaded.handle === "function";
}
