import { toErrorFacts, type ErrorFacts, type Executors, type TaskMessage } from "@stampede/core";
import type { FunctionPool } from "./function-pool.js";

/** Executors as a function in a pool. The pool's function commits its own outcome; only an end without a word is reported here. */
export class PoolExecutors implements Executors {
  readonly #pool: Pick<FunctionPool, "run">;
  readonly #onInvocationFailed: (task: TaskMessage, error: ErrorFacts) => void;

  /** @param onInvocationFailed not called for tasks that a closed pool dropped: their job is interrupted, not failing */
  constructor(pool: Pick<FunctionPool, "run">, onInvocationFailed: (task: TaskMessage, error: ErrorFacts) => void) {
    this.#pool = pool;
    this.#onInvocationFailed = onInvocationFailed;
  }

  start(task: TaskMessage): Promise<void> {
    const { job, partition, deadlineAt } = task;
    this.#pool.run(task, { deadlineAt, affinity: `${job}/${partition}` }).catch((error: unknown) => {
      const facts = toErrorFacts(error);
      if (facts.code !== "job.interrupted") this.#onInvocationFailed(task, facts);
    });
    return Promise.resolve();
  }
}
