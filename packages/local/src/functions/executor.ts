import { TaskMessage, type Compute, type Engine, type EngineName, type EngineSession } from "@stampede/core";
import { createEngine } from "@stampede/runtime";
import { Executor } from "@stampede/training";
import type { FunctionContext } from "../pool/protocol.js";
import { functionDeps, settingsOf } from "./deps.js";

let executor: Executor | undefined;
const engines = new Map<string, Promise<Engine>>();

/** Loads what most tasks need while the job is still being prepared. */
export async function warm(context: FunctionContext): Promise<void> {
  const { likelyEngine } = settingsOf(context);
  // A tfjs engine is not loaded on suspicion: it would be the only one that can run here.
  const loading = likelyEngine === "compiled" ? [context.native(() => createEngine(likelyEngine))] : [];
  await Promise.all([executorOf(context).warm(), ...loading]);
}

/** The function `executor`: one attempt of one task. Its thread or process stays warm, and with it the model and its partitions. */
export async function handle(payload: unknown, context: FunctionContext): Promise<void> {
  await executorOf(context).run(TaskMessage.parse(payload));
}

function executorOf(context: FunctionContext): Executor {
  executor ??= new Executor({
    ...functionDeps(context),
    residentBytes: settingsOf(context).residentBytes,
    usedBytes: () => context.usedBytes(),
    engine: (name, compute) => engineOf(name, compute, context),
  });
  return executor;
}

function engineOf(name: EngineName, compute: Compute | undefined, context: FunctionContext): Promise<Engine> {
  const key = JSON.stringify([name, compute]);
  const opened = engines.get(key) ?? openEngine(name, compute, context);
  engines.set(key, opened);
  return opened;
}

/** These are addons; the others are JavaScript and WebAssembly, which can be ended anywhere. */
const nativeEngines: ReadonlySet<EngineName> = new Set(["compiled", "tfjs-node"]);

async function openEngine(name: EngineName, compute: Compute | undefined, context: FunctionContext): Promise<Engine> {
  if (!nativeEngines.has(name)) return createEngine(name, compute);
  const engine = await context.native(() => createEngine(name, compute));
  const open: Engine["open"] = async (model, graphs) =>
    guarded(await context.native(() => engine.open(model, graphs)), context);
  return { name, open };
}

/** The session, with native code only where a thread is not ended. */
function guarded(session: EngineSession, context: FunctionContext): EngineSession {
  const native = <T>(work: () => Promise<T>): Promise<T> => context.native(work);
  return {
    load: (weights, optimizer) => native(() => session.load(weights, optimizer)),
    train: (request) => native(() => session.train(request)),
    evaluate: (range) => native(() => session.evaluate(range)),
    predict: (range) => native(() => session.predict(range)),
    save: () => native(() => session.save()),
    close: () => void native(() => Promise.resolve(session.close())),
  };
}
