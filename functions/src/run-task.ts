import type { Compute, Engine, EngineName, TaskMessage } from "@stampede/core";
import { createEngine } from "@stampede/runtime";
import { Executor } from "@stampede/training";
import { commonDeps } from "./deps.js";
import { environment } from "./environment.js";
import { logger } from "./log.js";

/** Requests cost money here: a busy executor asks less often than on one machine whether it is still needed. */
const stopCheckMs = 10_000;

let executor: Executor | undefined;
const engines = new Map<string, Promise<Engine>>();

/**
 * Runs one attempt of one task. What it loads stays for the next one that comes to the same environment.
 * @param until when the invocation must have ended; milliseconds since the epoch
 */
export async function runTask(task: TaskMessage, until: number): Promise<void> {
  const { job, stage, partition, attempt } = task;
  logger.appendKeys({ job, kind: stage.kind, round: stage.round, partition, attempt });
  try {
    await theExecutor().run(task, { until });
  } finally {
    logger.resetKeys();
  }
}

function theExecutor(): Executor {
  const memoryBytes = environment().AWS_LAMBDA_FUNCTION_MEMORY_SIZE * 2 ** 20;
  executor ??= new Executor({
    ...commonDeps(),
    engine: engineOf,
    residentBytes: memoryBytes / 2,
    usedBytes: () => process.memoryUsage.rss(),
    stopCheckMs,
  });
  return executor;
}

function engineOf(name: EngineName, compute?: Compute): Promise<Engine> {
  const key = JSON.stringify([name, compute]);
  const opened = engines.get(key) ?? createEngine(name, compute);
  engines.set(key, opened);
  // One that could not be opened is tried anew.
  opened.catch(() => engines.delete(key));
  return opened;
}
