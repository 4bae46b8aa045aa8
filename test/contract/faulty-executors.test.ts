import type { ErrorFacts, Executors, TaskMessage } from "@stampede/core";
import { executorsContract, FaultyExecutors, ManualClock, noFaults, type ExecutorsHarness } from "@stampede/testing";
import { Signals } from "../support/signals.js";

executorsContract("FaultyExecutors, when nothing goes wrong", () => {
  const platform = new OneThreadPlatform();
  return Promise.resolve(platform.harness());
});

/** A platform that does what the contract's tasks ask for, at once. */
class OneThreadPlatform implements Executors {
  readonly #clock = new ManualClock();
  readonly #begun = new Signals();
  readonly #reported = new Signals();
  readonly #failures: { readonly task: TaskMessage; readonly error: ErrorFacts }[] = [];

  start(task: TaskMessage): Promise<void> {
    this.#begun.add(task.attemptId);
    if (task.attemptId.startsWith("crash")) this.#report(task, "task.crashed");
    if (task.attemptId.startsWith("hang")) {
      this.#clock.after(task.deadlineAt - this.#clock.now(), () => this.#report(task, "task.timed-out"));
    }
    return Promise.resolve();
  }

  harness(): ExecutorsHarness {
    return {
      executors: new FaultyExecutors(this, noFaults, this.#clock),
      now: () => this.#clock.now(),
      begun: async (attemptId) => {
        await this.#begun.next((text) => text === attemptId);
        return this.#begun.all.filter((text) => text === attemptId).length;
      },
      failed: async (attemptId) => {
        await this.#reported.next((text) => text === attemptId);
        const found = this.#failures.find(({ task }) => task.attemptId === attemptId);
        if (found === undefined) throw new Error(`no failure of ${attemptId}`);
        return found.error;
      },
      failures: () => this.#failures.map(({ task }) => task),
      advance: (ms) => this.#clock.advance(ms),
      close: () => Promise.resolve(),
    };
  }

  #report(task: TaskMessage, code: ErrorFacts["code"]): void {
    this.#failures.push({ task, error: { code, message: "ended", retryable: true } });
    this.#reported.add(task.attemptId);
  }
}
