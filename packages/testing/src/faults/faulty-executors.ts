import type { Executors, TaskMessage, Timers } from "@stampede/core";
import { disturbed } from "./disturbed.js";
import type { Faults, Operation } from "./faults.js";

/** A platform that loses and doubles starts, refuses them, or takes one over and does not say so. */
export class FaultyExecutors implements Executors {
  readonly #inner: Executors;
  readonly #faults: Faults;
  readonly #timers: Timers;

  constructor(inner: Executors, faults: Faults, timers: Timers) {
    this.#inner = inner;
    this.#faults = faults;
    this.#timers = timers;
  }

  async start(task: TaskMessage): Promise<void> {
    const { stage, partition, attempt } = task;
    const subject = `${stage.kind} ${stage.round}, partition ${partition}, attempt ${attempt}`;
    const operation: Operation = { name: "executors.start", subject };
    const fault = this.#faults.of(operation);
    const act = (): Promise<void> => this.#inner.start(task);
    if (fault === undefined) return act();
    switch (fault.kind) {
      case "lost":
        return;
      case "doubled":
        await act();
        return act();
      default:
        return disturbed(operation, fault, this.#timers, act);
    }
  }
}
