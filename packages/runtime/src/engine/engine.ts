import { StampedeError, type Engine, type EngineName } from "@stampede/core";
import { startBackend } from "./backend.js";

/** The engine that this thread runs; tfjs has one backend a thread. */
let running: { readonly name: EngineName; readonly ready: Promise<Engine> } | undefined;

/**
 * The tfjs engine of this thread. It may be asked for again, and may have any number of sessions; another one needs another thread,
 * because tfjs' backend is global. It takes over the backend of a tfjs that user code runs in the same thread.
 *
 * @throws StampedeError `engine.unavailable` when it is not installed or the thread runs another one
 */
export function createEngine(name: EngineName): Promise<Engine> {
  if (running === undefined) {
    const ready = start(name);
    running = { name, ready };
    ready.catch(() => {
      running = undefined;
    });
  }
  if (running.name !== name) {
    const message =
      `Expected to start ${name}, but this thread already runs ${running.name}, and tfjs has one backend a thread. ` +
      "Start it in another thread.";
    return Promise.reject(new StampedeError("engine.unavailable", message, { details: { engine: name } }));
  }
  return running.ready;
}

async function start(name: EngineName): Promise<Engine> {
  await startBackend(name);
  // Only now, because this loads tfjs.
  const { openSession } = await import("./session.js");
  return { name, open: (model) => openSession(name, model) };
}
