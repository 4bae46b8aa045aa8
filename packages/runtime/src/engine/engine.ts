import { StampedeError, type Compute, type Engine, type EngineName } from "@stampede/core";
import type { BlockProbe } from "../compiled/block.js";
import { loadOrt } from "../compiled/ort.js";
import { startBackend, type TfjsEngineName } from "./backend.js";

/** The tfjs engine that this thread runs; tfjs has one backend a thread. */
let running: { readonly name: TfjsEngineName; readonly ready: Promise<Engine> } | undefined;

/** One thread, which leaves the others alone: right for small models and for many executors on one machine. */
const plainCompute: Compute = { threads: 1, spinning: false };

/**
 * An engine for this thread. `compiled` runs graphs and leaves the thread's tfjs as it is; where it is opened without graphs it makes
 * them from the model, with tfjs. The others are tfjs itself, which has one backend a thread: they may be asked for again, and may have
 * any number of sessions, but another one needs another thread. They take over the backend of a tfjs that user code runs in the thread.
 *
 * @param compute for `compiled`: how it uses the processor. The number of threads changes the bits of results. By default one thread
 * @param probe for `compiled`: tells the block of the processor; by default that of this machine's
 * @throws StampedeError `engine.unavailable` when it is not installed or the thread runs another one
 */
export function createEngine(name: EngineName, compute: Compute = plainCompute, probe?: BlockProbe): Promise<Engine> {
  return name === "compiled" ? startCompiled(compute, probe) : tfjsEngine(name);
}

async function startCompiled(compute: Compute, probe: BlockProbe | undefined): Promise<Engine> {
  loadOrt();
  const { openCompiled } = await import("../compiled/open.js");
  return { name: "compiled", open: (model, graphs) => openCompiled(model, graphs, compute, probe) };
}

function tfjsEngine(name: TfjsEngineName): Promise<Engine> {
  if (running === undefined) {
    const ready = startTfjs(name);
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

async function startTfjs(name: TfjsEngineName): Promise<Engine> {
  await startBackend(name);
  // Only now, because this loads tfjs.
  const { openSession } = await import("./session.js");
  return { name, open: (model) => openSession(name, model) };
}
