import type { Executors } from "@stampede/core";

export interface ExecutorsByPlatform {
  readonly function: Executors;
  /** Absent where there is no Batch: everything runs as a function then. */
  readonly batch?: Executors;
}

/** Starts each task where it says that it wants to run. */
export function executorsByPlatform({ function: functions, batch = functions }: ExecutorsByPlatform): Executors {
  return { start: (task) => (task.platform === "batch" ? batch : functions).start(task) };
}
