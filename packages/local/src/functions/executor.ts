import { TaskMessage, type Engine, type EngineName } from "@stampede/core";
import { createEngine } from "@stampede/runtime";
import { Executor } from "@stampede/training";
import type { ThreadContext } from "../threads/protocol.js";
import { functionDeps } from "./deps.js";

let executor: Executor | undefined;
const engines = new Map<EngineName, Promise<Engine>>();

/** The function `executor`: one attempt of one task. The thread stays warm, and with it the model and its partitions. */
export async function handle(payload: unknown, context: ThreadContext): Promise<void> {
  const task = TaskMessage.parse(payload);
  executor ??= new Executor({ ...functionDeps(context), engine: engineOf });
  await executor.run(task);
}

function engineOf(name: EngineName): Promise<Engine> {
  const opened = engines.get(name) ?? createEngine(name);
  engines.set(name, opened);
  return opened;
}
