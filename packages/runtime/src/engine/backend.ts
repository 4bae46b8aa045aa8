import type { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { StampedeError, type EngineName } from "@stampede/core";
import type * as Tf from "@tensorflow/tfjs-core";
import { loadCore } from "@stampede/graph/tfjs";
import { defineChainedOps } from "./chained-ops.js";

/** The engines that are TensorFlow.js. */
export type TfjsEngineName = Exclude<EngineName, "compiled">;

interface Backend {
  /** What tfjs calls it. */
  readonly tfjsName: string;
  /** Registers it with tfjs. */
  readonly load: (tf: typeof Tf) => void;
  /** What to do when it cannot be loaded. */
  readonly remedy: string;
}

const require = createRequire(import.meta.url);
/** An optional peer dependency. */
const tfjsNode = "@tensorflow/tfjs-node";

// libtensorflow logs to the process's stderr unless this is set before it is loaded. A worker thread has only a copy of the
// environment, so the thread that starts the others must do it: when it loads this module.
process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "2";

const backends: Readonly<Record<TfjsEngineName, Backend>> = {
  "tfjs-cpu": {
    tfjsName: "cpu",
    load: (tf) => {
      require("@tensorflow/tfjs-backend-cpu");
      silence(tf.findBackend("cpu"));
    },
    remedy: "Install Stampede again.",
  },

  "tfjs-wasm": {
    tfjsName: "wasm",
    load: () => {
      const wasm: unknown = require("@tensorflow/tfjs-backend-wasm");
      // The binaries stand in the package's own folder: nothing is fetched.
      if (isWasmPackage(wasm)) wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
    },
    remedy: "Take tfjs-cpu, or install Stampede again.",
  },

  "tfjs-node": {
    tfjsName: "tensorflow",
    load: () => {
      require(tfjsNode);
    },
    remedy: `Install ${tfjsNode} 4.22.0 (it downloads libtensorflow), or leave \`engine\` out.`,
  },
};

/**
 * Loads a backend and makes it the one that this thread's tfjs runs on.
 * @throws StampedeError `engine.unavailable`
 */
export async function startBackend(name: TfjsEngineName): Promise<void> {
  const tf = loadCore();
  const { tfjsName, load } = backends[name];
  const listeners = crashListeners();
  defineChainedOps(tf);
  try {
    load(tf);
    if (await tf.setBackend(tfjsName)) return;
  } catch (cause) {
    throw unavailable(name, cause);
  } finally {
    removeCrashListenersBut(listeners);
  }
  throw unavailable(name, undefined);
}

/**
 * Makes the tfjs of this thread ready to build models, as a module does that has imported just @tensorflow/tfjs-core and -layers. A
 * backend that is in use stays; otherwise the best of those that were registered is taken, the CPU at least.
 */
export async function prepareTfjs(): Promise<void> {
  const tf = loadCore();
  defineChainedOps(tf);
  // Undefined until a backend is in use, whatever the type says.
  const current: string | undefined = tf.getBackend();
  if (current !== undefined && current !== "") return;
  backends["tfjs-cpu"].load(tf);
  await tf.ready();
  // ready() makes a backend of its own.
  silence(tf.backend());
}

/** Registers tfjs' CPU backend, without its advertisement. The one that is in use stays. */
export function loadQuietCpu(): void {
  backends["tfjs-cpu"].load(loadCore());
}

/** Runs `work` on tfjs' CPU backend and puts the one that was in use back. Others' tensors are moved where they are needed. */
export function onCpu<T>(work: () => T): T {
  const tf = loadCore();
  loadQuietCpu();
  const before = tf.getBackend();
  // Asynchronous for backends that are; this one, and one that was in use, are in place when it returns.
  void tf.setBackend("cpu");
  try {
    return work();
  } finally {
    void tf.setBackend(before);
  }
}

/** On its first use the cpu backend would print an advertisement for tfjs-node. */
function silence(backend: object | null): void {
  if (backend !== null && "firstUse" in backend) Reflect.set(backend, "firstUse", false);
}

/** Whether the package is there; whether it can be loaded is seen when it is. */
export function isTfjsNodeInstalled(): boolean {
  try {
    require.resolve(tfjsNode);
    return true;
  } catch {
    return false;
  }
}

export function isRunningOn(name: TfjsEngineName): boolean {
  return loadCore().getBackend() === backends[name].tfjsName;
}

interface WasmPackage {
  setWasmPaths(folder: string): void;
}

function isWasmPackage(module: unknown): module is WasmPackage {
  return typeof module === "object" && module !== null && "setWasmPaths" in module;
}

/** Without the overloads of `process`, which want the events one by one. */
const emitter: EventEmitter = process;
const crashEvents = ["uncaughtException", "unhandledRejection"];
type Listener = Parameters<EventEmitter["removeListener"]>[1];

function crashListeners(): ReadonlySet<unknown> {
  return new Set(crashEvents.flatMap((event) => emitter.listeners(event)));
}

/** Emscripten's loader adds listeners that throw again what reaches them, which changes how the whole process ends. */
function removeCrashListenersBut(before: ReadonlySet<unknown>): void {
  for (const event of crashEvents) {
    for (const listener of emitter.listeners(event)) {
      if (!before.has(listener) && isListener(listener)) emitter.removeListener(event, listener);
    }
  }
}

function isListener(value: unknown): value is Listener {
  return typeof value === "function";
}

function unavailable(name: TfjsEngineName, cause: unknown): StampedeError {
  const reason = cause instanceof Error ? `: ${cause.message.split("\n", 1)[0] ?? ""}` : "";
  const { remedy } = backends[name];
  const message = `Expected the engine ${name}, but it cannot be loaded here${reason}. ${remedy} Nothing was started.`;
  return new StampedeError("engine.unavailable", message, { details: { engine: name }, cause });
}
