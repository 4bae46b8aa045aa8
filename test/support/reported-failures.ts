import type { ErrorFacts, TaskMessage } from "@stampede/core";
import { Signals } from "./signals.js";

interface Failure {
  readonly task: TaskMessage;
  readonly error: ErrorFacts;
}

/** Attempts that a platform reported as failed. */
export class ReportedFailures {
  readonly #failures: Failure[] = [];
  readonly #reported = new Signals();

  readonly add = (task: TaskMessage, error: ErrorFacts): void => {
    this.#failures.push({ task, error });
    this.#reported.add(task.attemptId);
  };

  tasks(): readonly TaskMessage[] {
    return this.#failures.map(({ task }) => task);
  }

  /** Resolves once one is reported for the attempt. */
  async of(attemptId: string): Promise<ErrorFacts> {
    await this.#reported.next((text) => text === attemptId);
    const found = this.#failures.find(({ task }) => task.attemptId === attemptId);
    if (found === undefined) throw new Error(`no failure of ${attemptId}`);
    return found.error;
  }
}

/** Resolves when the attempt was heard of, with the number of times it was by now. */
export async function timesHeard(heard: Signals, attemptId: string): Promise<number> {
  await heard.next((text) => text === attemptId);
  return heard.all.filter((text) => text === attemptId).length;
}
