import { encodeMessage, TaskMessage, type Executors } from "@stampede/core";
import { invokeLater, type InvokedFunction } from "./invoke-later.js";

/**
 * Executors as asynchronous invocations of a function. An attempt is stopped by the function's own timeout, which may come after its
 * deadline: the function begins no work that would outlive it.
 */
export class LambdaExecutors implements Executors {
  readonly #function: InvokedFunction;

  constructor(invoked: InvokedFunction) {
    this.#function = invoked;
  }

  async start(task: TaskMessage): Promise<void> {
    await invokeLater(this.#function, encodeMessage(TaskMessage, task));
  }
}
